"""The multi-task MLP for numeric outcomes."""

import numpy as np

from skmtl.base import SHARED, BaseTaskRegressor
from skmtl.losses import Squared
from skmtl.neural_network._entries import Columns
from skmtl.neural_network._estimator import BaseMultiTaskMLP, Problem


class MultiTaskMLPRegressor(BaseMultiTaskMLP, BaseTaskRegressor):
    r"""Neural network with hidden layers for all tasks and a linear head for each.

    Minimises ``sum_t c_t / S_t * sum_i s_ti (y_ti - f_t(x_i))^2 / 2 + alpha / 2 *
    (sum of the squared weights)`` by Adam over mini-batches [1]_, where ``f_t(x)`` is
    head t of the shared hidden layers, ``S_t = sum_i s_ti`` and ``y_ti`` are the labels
    of task t minus their mean and divided by their standard deviation. Missing labels
    have no influence. `predict` answers in the units of y.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(64,)
        Units of each hidden layer; () gives linear models without a shared part.
    activation : {"relu", "tanh", "logistic", "identity"}, default="relu"
        Activation of the hidden units.
    alpha : float, default=0.1
        Strength of the penalty on the weights of all layers, never on intercepts.
        Larger values give smoother functions: up to 1 for small or noisy tables, down
        to 1e-4 for large ones or strong interactions. It is set against a sum over
        tasks of mean losses and, unlike in scikit-learn's MLP, is not divided by the
        number of samples.
    batch_size : int or "auto", default="auto"
        Rows of a mini-batch, about; "auto" means min(200, number of training rows).
    learning_rate_init : float, default=1e-3
        Step size of Adam.
    max_iter : int, default=1000
        Largest number of epochs; see Notes for what one is. With the other defaults
        training mostly ends after 20 (thousands of rows) to 700 epochs (a hundred).
    early_stopping : bool, default=True
        Whether to hold out labels of every task, watch the loss on them and keep the
        weights of the best epoch. False uses all labels, watches the training objective
        and keeps the last weights.
    validation_fraction : float, default=0.1
        Share of each task's rows to hold out, to the nearest fraction with a
        denominator of at most 100. Each task keeps one label for training.
    n_iter_no_change : int, default=10
        Stop after so many successive epochs without progress.
    tol : float, default=1e-4
        What counts as progress: a loss lower by more than tol, on average over tasks,
        than in any epoch before.
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay of Adam's running means of the gradient and of its square.
    epsilon : float, default=1e-8
        Keeps Adam's division finite.
    task_weight : None, "n_samples" or mapping, default=None
        Weights c_t. None: 1, every task counts the same; "n_samples": proportional to
        the sum of the task's sample weights; or a positive weight for each task label.
    unseen : {"raise", "shared"}, default="raise"
        What to do in prediction with a task that was not in the training data: raise,
        or predict with the average of all heads' predictions (weighted by c_t).
    warm_start : bool, default=False
        Whether to start from the network of the previous fit, which must have had the
        same features, layers and tasks.
    random_state : int, RandomState instance or None, default=None
        Draws the first weights, the held-out labels and the mini-batches. Pass an int
        for the same network in every call.

    Attributes
    ----------
    tasks_ : ndarray of shape (n_tasks,)
        Task labels.
    coefs_ : list of ndarray of shape (n_units_in, n_units_out)
        Weights of the hidden layers.
    intercepts_ : list of ndarray of shape (n_units_out,)
        Intercepts of the hidden layers.
    head_coef_ : ndarray of shape (n_tasks, n_units)
        Weights of the heads, for labels in units of
        `y_scale_`.
    head_intercept_ : ndarray of shape (n_tasks,)
        Intercepts of the heads.
    head_rows_ : list
        Task label of each row of `head_coef_`.
    task_weight_ : ndarray of shape (n_tasks,)
        Weights c_t.
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
    history_ : dict of ndarray of shape (n_iter_, n_tasks)
        "train_loss" and "validation_loss", the mean loss of each task in each epoch;
        NaN where a task has no held-out label. The second is empty without early
        stopping.
    converged_ : bool
        Whether training stopped for lack of progress.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had names that are all strings.
    y_mean_, y_scale_ : ndarray of shape (n_tasks,)
        Weighted mean and standard deviation of each task's labels (ddof 0; 1 where they
        are constant).

    See Also
    --------
    MultiTaskMLPClassifier : The same for classes.
    IndependentTasks : A model of its own for each task.
    sklearn.neural_network.MLPRegressor : One task, or complete Y of several.

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

    Computations are in float64.

    References
    ----------
    .. [1] R. Caruana, Multitask Learning, Machine Learning 28, 1997.
       https://doi.org/10.1023/A:1007379606734

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLPRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 4))
    >>> Y = np.column_stack([X[:, 0] * X[:, 1], 50 + 9 * X[:, 0] * X[:, 1]])
    >>> Y[::3, 1] = np.nan
    >>> model = MultiTaskMLPRegressor(learning_rate_init=0.01, random_state=0)
    >>> model.fit(X, Y).predict(X).shape
    (300, 2)
    >>> model.score(X, Y) > 0.8
    True
    """

    def __init__(
        self,
        hidden_layer_sizes=(64,),
        *,
        activation="relu",
        alpha=0.1,
        batch_size="auto",
        learning_rate_init=1e-3,
        max_iter=1000,
        early_stopping=True,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        task_weight=None,
        unseen="raise",
        warm_start=False,
        random_state=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.task_weight = task_weight
        self.unseen = unseen
        self.warm_start = warm_start
        self.random_state = random_state

    def _fit(self, X, labels, progress):
        mean, scale = _standardisation(labels)
        columns = Columns.of_widths(np.ones(labels.n_tasks, dtype=int))
        wide = labels.layout == "wide"
        m, s = (mean, scale) if wide else (mean[labels.codes], scale[labels.codes])
        scaled = labels.with_y((labels.y - m) / s)
        problem = Problem(
            labels=scaled,
            kept=np.arange(labels.n_tasks),
            columns=columns,
            loss=Squared(),
            by_class=False,
            bias=np.zeros(labels.n_tasks),
            head_rows=labels.tasks.tolist(),
        )
        known = {"y_mean_": mean, "y_scale_": scale}
        return self._fit_network(X, labels, problem, known, progress)

    def _previous_heads(self, known):
        """Return the heads of the previous fit, in today's units of y."""
        ratio = self.y_scale_ / known["y_scale_"]
        shift = (self.y_mean_ - known["y_mean_"]) / known["y_scale_"]
        return ratio[:, None] * self.head_coef_, ratio * self.head_intercept_ + shift

    def _predict_task(self, X, t):
        if t == SHARED:
            return self._predict_all(X) @ self.task_weight_ / self.task_weight_.sum()
        one = slice(t, t + 1)
        z = self._outputs(X, self.head_coef_[one], self.head_intercept_[one])[:, 0]
        return self.y_mean_[t] + self.y_scale_[t] * z

    def _predict_all(self, X):
        Z = self._outputs(X, self.head_coef_, self.head_intercept_)
        return self.y_mean_ + self.y_scale_ * Z


def _standardisation(labels):
    """Return weighted mean and standard deviation of each task's labels."""
    mean, scale = np.zeros(labels.n_tasks), np.ones(labels.n_tasks)
    for t in range(labels.n_tasks):
        _, y, weight = labels.of_task(t)
        mean[t] = np.average(y, weights=weight)
        deviation = np.sqrt(np.average((y - mean[t]) ** 2, weights=weight))
        # Below this the deviations are rounding errors of a constant.
        if deviation > 10 * np.finfo(float).eps * np.abs(y).max():
            scale[t] = deviation
    return mean, scale
