"""One file a kind of workload, each with a ``KIND``; ``workloads.found`` finds them by looking into this folder."""
