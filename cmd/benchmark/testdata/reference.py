"""Makes reference.json from numpy, scikit-learn, lifelines and scipy. python3 reference.py > reference.json"""

import json

import lifelines
import numpy as np
import scipy
import sklearn
from lifelines import KaplanMeierFitter
from scipy.stats import bootstrap
from sklearn.metrics import homogeneity_completeness_v_measure
from sklearn.preprocessing import RobustScaler

rng = np.random.default_rng(5)
values = np.round(rng.lognormal(size=41), 6)
scaler = RobustScaler().fit(values.reshape(-1, 1))
survivals = []
for censored in (0.0, 0.3, 0.8):
    times = np.round(rng.exponential(60, size=25) / 10) * 10
    observed = rng.uniform(size=25) >= censored
    fitted = KaplanMeierFitter().fit(times, observed)
    events = np.unique(times[observed])
    survivals.append(
        {
            "times": times.tolist(),
            "observed": observed.tolist(),
            "curve": [[t, float(fitted.survival_function_at_times(t).iloc[0])] for t in events],
            "median": None if np.isinf(fitted.median_survival_time_) else float(fitted.median_survival_time_),
        }
    )
groupings = []
for classes, clusters in ((4, 5), (3, 1), (1, 3), (6, 6)):
    truth = rng.integers(classes, size=60)
    cluster = np.where(rng.uniform(size=60) < 0.7, truth % clusters, rng.integers(clusters, size=60))
    h, c, v = homogeneity_completeness_v_measure(truth, cluster)
    groupings.append({"truth": truth.tolist(), "cluster": cluster.tolist(), "homogeneity": h, "completeness": c, "v": v})
hits = (rng.uniform(size=80) < 0.35).astype(int)
interval = bootstrap((hits,), np.mean, method="percentile", n_resamples=20000, random_state=3).confidence_interval
print(
    json.dumps(
        {
            "versions": [np.__version__, sklearn.__version__, lifelines.__version__, scipy.__version__],
            "values": values.tolist(),
            "quantiles": {str(q): float(np.quantile(values, q)) for q in (0, 0.025, 0.25, 0.5, 0.9, 1)},
            "center": float(scaler.center_[0]),
            "scale": float(scaler.scale_[0]),
            "survivals": survivals,
            "groupings": groupings,
            "bootstrap": {"values": hits.tolist(), "low": float(interval.low), "high": float(interval.high)},
        }
    )
)
