"""Whether states hold: the hold check, the retention map, bounds on drift, and lags."""
