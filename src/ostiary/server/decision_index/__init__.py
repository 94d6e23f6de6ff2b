"""The decisions of the log as columns: kept up beside the answers, for lists, charts and exports."""
