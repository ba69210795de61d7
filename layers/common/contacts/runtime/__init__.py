"""The process that a function runs in: settings, cold start, log, time, ids. Imports nothing of ours."""
