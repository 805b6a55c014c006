"""The multi-task MLP for classes."""

from collections.abc import Mapping

from skmtl._compat import StrOptions
from skmtl.base import BaseTaskClassifier
from skmtl.neural_network._class_heads import ClassHeadsMixin
from skmtl.neural_network._estimator import BaseMultiTaskMLP


class MultiTaskMLPClassifier(BaseMultiTaskMLP, ClassHeadsMixin, BaseTaskClassifier):
    """Neural network with hidden layers for all tasks and a linear head for each.

    Minimises ``sum_t c_t / S_t * sum_i s_ti l(y_ti, f_t(x_i)) + alpha / 2 * (sum of
    the squared weights)`` by Adam or SGD over mini-batches [1]_, where ``f_t(x)`` is
    head t of the shared hidden layers, ``S_t = sum_i s_ti`` and l is the log-loss:
    logistic for a task of two classes, multinomial for more. Classes may differ between
    tasks, and missing labels have no influence. A task with one class in the training
    data takes no part and always predicts that class.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(64,)
        Units of each hidden layer; () gives linear models without a shared part.
    activation : {"relu", "tanh", "logistic", "identity"}, default="relu"
        Activation of the hidden units.
    sharing : {"hard", "soft", "cross-stitch", "sluice"} or object, default="hard"
        What tasks have in common: all hidden layers; or hidden layers of their own,
        pulled towards each other, mixed after each layer, or mixed by subspaces with
        heads that see all layers. An object of `skmtl.neural_network` (`HardSharing`,
        `SoftSharing`, `CrossStitch`, `Sluice`) sets more than its name does. All but
        "hard" cost about as much as a network per task.
    loss_weighting : {"equal", "uncertainty", "gradnorm", "dwa"}, mapping or object, \
default="equal"
        How the losses of tasks are weighed against each other in training, on top of
        c_t: not at all, by a number for each task label, by their noise (learned), such
        that gradients are equally long, or by how slowly they fall. Objects:
        `UncertaintyWeights`, `GradNorm`, `DynamicWeights`. What early stopping watches
        is weighed by c_t alone.
    gradient : {"sum", "pcgrad", "mgda"} or object, default="sum"
        How the gradients of tasks make a step of what they share: added up, projected
        off those they conflict with (`PCGrad`), or combined into the step that helps
        all (`MGDA`). The latter two need a gradient per task.
    auxiliary_tasks : array-like of task labels, default=None
        Tasks to train on, for what the others gain from them. They are not in `tasks_`,
        never predicted, scored or watched by early stopping.
    alpha : float, default=0.01
        Strength of the penalty on the weights of all layers, never on intercepts.
        Larger values give smoother functions: up to 1 for small or noisy tables, down
        to 1e-4 for large ones or strong interactions. It is set against a sum over
        tasks of mean losses and, unlike in scikit-learn's MLP, is not divided by the
        number of samples.
    dropout : float, default=0.0
        Probability with which each hidden unit is switched off in a training step.
    solver : {"adam", "sgd"}, default="adam"
        Optimiser: Adam, or stochastic gradient descent with momentum.
    batch_size : int or "auto", default="auto"
        Rows of a mini-batch, about; "auto" means min(200, number of training rows).
    learning_rate : {"constant", "cosine"}, default="constant"
        The step size over the epochs. "cosine" falls to 0 at `max_iter` epochs, which
        is to be chosen accordingly.
    learning_rate_init : float, default=1e-3
        Step size at first. SGD needs a larger one, 0.01 to 0.1.
    warmup_epochs : int, default=0
        Epochs over which the step size rises from 0.
    max_grad_norm : float, default=None
        Longer gradients are shortened to this length.
    max_iter : int, default=1000
        Largest number of epochs; see Notes for what one is. With the other defaults
        training mostly ends after 20 (thousands of rows) to 700 epochs (a hundred).
    early_stopping : bool, default=True
        Whether to hold out labels of every task, watch the loss on them and keep the
        weights of the best epoch. False uses all labels, watches the training objective
        and keeps the last weights.
    validation_fraction : float, default=0.1
        Share of each task's rows to hold out, to the nearest fraction with a
        denominator of at most 100. Each task and each of its classes keeps one label
        for training.
    n_iter_no_change : int, default=10
        Stop after so many successive epochs without progress.
    tol : float, default=1e-4
        What counts as progress: a loss lower by more than tol, on average over tasks,
        than in any epoch before.
    momentum : float, default=0.9
        Share of the previous step that SGD takes again.
    nesterovs_momentum : bool, default=True
        Whether SGD looks ahead along the momentum.
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay of Adam's running means of the gradient and of its square.
    epsilon : float, default=1e-8
        Keeps Adam's division finite.
    class_weight : None, "balanced" or mapping, default=None
        Weights of the classes, multiplied into the sample weights, of held-out labels
        too; "balanced" makes the classes of each task weigh the same within the task.
    task_weight : None, "n_samples" or mapping, default=None
        Weights c_t. None: 1, every task counts the same; "n_samples": proportional to
        the sum of the task's sample weights; or a positive weight for each task label.
    unseen : {"raise", "shared"}, default="raise"
        What to do in prediction with a task that was not in the training data: raise,
        or predict with the average of all heads' scores (weighted by c_t).
    monitor_conflict : bool, default=False
        Whether to record in `history_` how far gradients of the shared parameters point
        the same way, after each epoch.
    warm_start : bool, default=False
        Whether to start from the network of the previous fit, which must have had the
        same features, layers, sharing, tasks and classes.
    random_state : int, RandomState instance or None, default=None
        Draws the first weights, the held-out labels and the mini-batches. Pass an int
        for the same network in every call.

    Attributes
    ----------
    classes_ : ndarray, or list of ndarray after a wide fit
        The sorted union of all classes, or the classes of each task.
    task_classes_ : dict
        Task label -> its sorted classes.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels.
    auxiliary_tasks_ : ndarray
        Labels of the auxiliary tasks. Where arrays have an axis of n_trained tasks,
        these come after those of `tasks_`.
    coefs_ : list of ndarray of shape (n_units_in, n_units_out)
        Weights of the hidden layers; unless sharing is hard, of shape (n_trained,
        n_units_in, n_units_out).
    intercepts_ : list of ndarray of shape (n_units_out,)
        Intercepts of the hidden layers, or (n_trained, n_units_out).
    mixing_ : list of ndarray
        What cross-stitch and sluice networks mix by; empty otherwise.
    head_coef_ : ndarray of shape (n_rows, n_units)
        Weights of the heads: a row for a task of two classes, one per class for a
        task of more, none for a task of one.
    head_intercept_ : ndarray of shape (n_rows,)
        Intercepts of the heads.
    head_rows_ : list
        (task, class) of each row of `head_coef_`.
    task_weight_ : ndarray of shape (n_trained,)
        Weights c_t; 0 for tasks of one class.
    n_iter_ : int
        Number of epochs.
    best_epoch_ : int
        Epoch (from 1) with the lowest watched loss, which `best_loss_` is.
    best_loss_ : float
        Loss on the held-out labels, or training objective without early stopping.
    loss_ : float
        Training objective in the last epoch.
    loss_curve_ : list of float
        Training objective of each epoch, averaged over its steps.
    validation_loss_curve_ : list of float or None
        Loss on the held-out labels after each epoch, a weighted sum over tasks; None
        without early stopping.
    history_ : dict of ndarray of shape (n_iter_, n_trained)
        "train_loss" and "validation_loss", the mean loss of each task in each epoch
        (less the smallest possible one), NaN where a task has no held-out label; the
        second is empty without early stopping. "loss_weight", what multiplied the
        losses. With `monitor_conflict` also "task_cosine", the cosines between the
        gradients of tasks in each epoch, of shape (n_iter_, n_trained, n_trained), and
        "sample_cosine", the mean cosine between the gradients of two samples of a task.
    converged_ : bool
        Whether training stopped for lack of progress.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had names that are all strings.

    See Also
    --------
    MultiTaskMLPRegressor : The same for numeric outcomes.
    IndependentTasks : A model of its own for each task.
    sklearn.neural_network.MLPClassifier : One task.

    Notes
    -----
    Features are not scaled inside: put a `sklearn.preprocessing.StandardScaler` before.

    An epoch is ``ceil(n / batch_size)`` steps, n the number of training rows. The rows
    of each task (wide: of each row's rarest task) are spread evenly over them. Rows of
    a task with fewer rows than steps are visited several times, so that each step sees
    the task, but no more often than if all tasks were of equal size; an epoch has less
    than about 2 n visits. Visits are weighted such that the steps' gradients average to
    the gradient of the objective: each task counts by c_t, whatever its size.

    Rows are held out at random. Where several rows belong to one patient, as after
    `wide_to_long`, early stopping sees patients it was trained on and stops late; the
    wide layout avoids that.

    Computations are in float64, or in float32 where X is of that type.

    References
    ----------
    .. [1] R. Caruana, Multitask Learning, Machine Learning 28, 1997.
       https://doi.org/10.1023/A:1007379606734

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLPClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 3))
    >>> task = rng.choice(["A", "B"], size=400)
    >>> z = X[:, 0] * X[:, 1] + (task == "B") + rng.normal(size=400) / 2
    >>> y = np.where(z > 0, "yes", "no")
    >>> model = MultiTaskMLPClassifier(learning_rate_init=0.01, random_state=0)
    >>> model = model.fit(X, y, task=task)
    >>> model.predict_proba(X[:5], task="B").shape
    (5, 2)
    >>> model.score(X, y, task=task) > 0.8
    True
    """

    _parameter_constraints: dict = {
        **BaseMultiTaskMLP._parameter_constraints,
        "class_weight": [None, StrOptions({"balanced"}), Mapping],
    }

    def __init__(
        self,
        hidden_layer_sizes=(64,),
        *,
        activation="relu",
        sharing="hard",
        loss_weighting="equal",
        gradient="sum",
        auxiliary_tasks=None,
        alpha=0.01,
        dropout=0.0,
        solver="adam",
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=1e-3,
        warmup_epochs=0,
        max_grad_norm=None,
        max_iter=1000,
        early_stopping=True,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        momentum=0.9,
        nesterovs_momentum=True,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        class_weight=None,
        task_weight=None,
        unseen="raise",
        monitor_conflict=False,
        warm_start=False,
        random_state=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.sharing = sharing
        self.loss_weighting = loss_weighting
        self.gradient = gradient
        self.auxiliary_tasks = auxiliary_tasks
        self.alpha = alpha
        self.dropout = dropout
        self.solver = solver
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.warmup_epochs = warmup_epochs
        self.max_grad_norm = max_grad_norm
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.class_weight = class_weight
        self.task_weight = task_weight
        self.unseen = unseen
        self.monitor_conflict = monitor_conflict
        self.warm_start = warm_start
        self.random_state = random_state
