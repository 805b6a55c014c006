"""For penalties that tell tasks apart: which tasks take part in a fit, and where."""


class JointTasksMixin:
    """Calls `_know_tasks(joint, every, layout)` before a penalty is asked for.

    `joint` are the labels of the tasks in the joint fit, in the order of the columns of
    W; `every` are those of the data, among them tasks that are left out of it.
    """

    def _problem(self, X, labels):
        found = super()._problem(X, labels)
        joint = labels.tasks[:0] if found[0] is None else found[0].tasks
        self._know_tasks(joint, labels.tasks, labels.layout)
        return found

    def _statistics_problem(self, s):
        self._know_tasks(s.tasks, s.tasks, s.layout)
        return super()._statistics_problem(s)
