"""Work outside the main process: processes, workers here or on a cluster, and a journal."""
