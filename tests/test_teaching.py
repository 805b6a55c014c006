"""The teaching notebooks run offline, in time, and show what they say."""

import runpy
import socket
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from test_examples import check_notebook

TEACHING = Path(__file__).resolve().parents[1] / "examples/teaching"
MAX_SECONDS = 60


def from_separate_to_shared(made):
    errors, alone, one = made["errors"], made["separate"], made["shared"]
    assert errors[0] == pytest.approx(made["error"](alone), rel=0.01)
    assert errors[-1] == pytest.approx(made["error"](one), rel=0.01)
    assert min(errors) < 0.95 * errors[-1] < 0.95 * errors[0]
    assert made["error_chosen"] < 1.05 * min(errors)
    assert np.all(np.diff(made["spread"]) < 0)
    bias, variance = made["bias"], made["variance"]
    assert variance[-1] < 0.2 * variance[0]
    assert bias[0] < 0.5 * bias[-1]
    assert (bias + variance).min() < 0.85 * (bias + variance)[-1]
    gains = made["gains"]
    assert gains[0] > 0.4
    assert abs(gains[-1]) < 0.05
    overall = made["report"].to_frame("models").set_index("model")
    assert overall.loc["between", "gain_low"] > 0


def sparsity_across_tasks(made):
    relevant, models = made["relevant"], made["models"]
    assert set(made["first"]) == set(np.flatnonzero(relevant))
    assert set(np.flatnonzero(relevant)) <= set(
        models["group lasso"].selected_features_
    )
    right = made["right"]
    assert np.all(np.diff(right) > 0)
    assert right[0] < 0.5
    assert right[-1] > 0.9
    size = {name: (m.coef_[:, relevant] ** 2).sum() for name, m in models.items()}
    error = {n: ((m.coef_ - made["truth"]) ** 2).sum() for n, m in models.items()}
    assert size["lasso"] < size["group lasso"] < size["MCP"]
    assert error["lasso"] > error["group lasso"] > error["MCP"]
    assert models["MCP"].coef_.any(axis=0).sum() < len(
        models["group lasso"].selected_features_
    )


def clusters_and_relationships(made):
    agreement = made["adjusted_rand_score"]
    for name in ("3 groups, convex", "3 groups, k-means"):
        labels = made["models"][name].best_estimator_.cluster_labels_
        assert agreement(made["kind"], labels) == 1
    assert agreement(made["kind"], made["after"]) < 0.6
    in_order = list(made["errors"].values())
    assert in_order == sorted(in_order, reverse=True)
    assert made["counts"][int(np.argmin(made["held_out"]))] == 3
    errors = made["errors2"]
    assert errors["relations"] < 0.8 * errors["one mean"]
    assert errors["one mean"] > 0.9 * errors["alone"]
    learned, planted = made["learned"], made["planted"]
    related = np.abs(planted) == 0.9
    assert np.all(np.sign(learned[related]) == np.sign(planted[related]))


def when_sharing_hurts(made):
    errors = {name: np.array(values) for name, values in made["errors"].items()}
    near, far = made["distances"] < 1.6, made["distances"] > 2.4
    assert np.all(errors["shared"][near] < errors["separate"][near])
    assert np.all(errors["shared"][far] > errors["separate"][far])
    assert np.all(errors["between"][far] < errors["shared"][far])
    assert errors["separate"] == pytest.approx(made["alone"], rel=0.1)
    report = made["report"]
    assert report.verdicts_["shared"]["F"] == "hurts"
    assert "helps" in report.verdicts_["shared"].values()
    assert report.verdicts_["between"]["F"] == "no evidence"
    overall = report.to_frame("models").set_index("model")
    assert overall.loc["shared", "gain"] > 0
    wrong = {
        name: ((coef - made["truth"]) ** 2).sum(axis=1)
        for name, coef in made["tables"].items()
    }
    apart, together = wrong["A to E, and F alone"], wrong["between, all six"]
    assert apart[5] < together[5]
    assert apart[:5].mean() < together[:5].mean() < wrong["separate"][:5].mean()
    chosen = made["guard"].chosen_
    assert [t for t, choice in chosen.items() if choice == "fallback"] == ["F"]
    gains = made["report0"].to_frame("models").set_index("model")["gain"]
    assert abs(gains["chosen alpha"]) < 0.05
    assert gains["alpha = 10"] < -0.5


SHOWN = {
    "1_from_separate_to_shared": from_separate_to_shared,
    "2_sparsity_across_tasks": sparsity_across_tasks,
    "3_clusters_and_relationships": clusters_and_relationships,
    "4_when_sharing_hurts": when_sharing_hurts,
}


def test_every_notebook_is_tested():
    assert {path.stem for path in TEACHING.glob("*.py")} == set(SHOWN)


@pytest.mark.parametrize("name", SHOWN)
def test_teaching_is_a_notebook(name):
    source = (TEACHING / f"{name}.py").read_text()
    check_notebook(source)
    exercises = source.partition("# ## Exercises")[2].partition("# ## Remember")[0]
    assert exercises.count("*Hint:") == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWN)
def test_teaching_shows_what_it_says(name, tmp_path, monkeypatch):
    plt = pytest.importorskip("matplotlib.pyplot")

    def refuse(*args):
        raise OSError("a teaching notebook wants the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(sys, "argv", [name, str(tmp_path / "made")])
    plt.close("all")
    start = time.process_time()
    try:
        made = runpy.run_path(str(TEACHING / f"{name}.py"), run_name="__main__")
    finally:
        plt.close("all")
    assert time.process_time() - start < MAX_SECONDS
    assert len(list((tmp_path / "made").glob(f"{name}_*.png"))) >= 2
    SHOWN[name](made)
