"""Makes isolation-forest.json: a small forest of scikit-learn, and the scores it gives. python3 isolation-forest.py > isolation-forest.json"""

import json

import numpy as np
import sklearn
from sklearn.ensemble import IsolationForest
from sklearn.ensemble._iforest import _average_path_length

rng = np.random.default_rng(7)
# scikit-learn compares in float32: values that float32 holds exactly make both compare the same numbers.
train = np.round(rng.normal(size=(300, 3)) * 64) / 64
rows = np.round(np.vstack([rng.normal(size=(12, 3)), rng.normal(size=(4, 3)) * 6]) * 64) / 64
forest = IsolationForest(n_estimators=8, max_samples=256, random_state=1).fit(train)
trees = []
for estimator in forest.estimators_:
    tree = estimator.tree_
    depth = np.zeros(tree.node_count)
    for node in range(tree.node_count):
        for child in (tree.children_left[node], tree.children_right[node]):
            if child >= 0:
                depth[child] = depth[node] + 1
    trees.append(
        {
            "feature": [int(f) if l >= 0 else -1 for f, l in zip(tree.feature, tree.children_left)],
            "threshold": tree.threshold.tolist(),
            "left": tree.children_left.tolist(),
            "right": tree.children_right.tolist(),
            "depth": depth.astype(int).tolist(),
            "size": tree.n_node_samples.tolist(),
        }
    )
sizes = np.array([0, 1, 2, 3, 5, 100, 256, 999])
# How well a forest of 100 trees tells normal rows from odd ones: ours, from other chance, must be as good.
hard_normal = rng.normal(size=(1000, 2)) @ np.array([[1.0, 0.9], [0.0, 0.3]])
hard_odd = rng.uniform(-4, 4, size=(60, 2))
both = np.vstack([hard_normal, hard_odd])
hard = IsolationForest(n_estimators=100, max_samples=256, random_state=2).fit(both)
print(
    json.dumps(
        {
            "sklearn": sklearn.__version__,
            "pathLengths": {"sizes": sizes.tolist(), "values": _average_path_length(sizes).tolist()},
            "subsample": 256,
            "trees": trees,
            "rows": rows.tolist(),
            "scores": (-forest.score_samples(rows)).tolist(),
            "hard": {"rows": np.round(both, 4).tolist(), "scores": np.round(-hard.score_samples(np.round(both, 4)), 5).tolist()},
        }
    )
)
