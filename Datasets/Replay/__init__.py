"""Experience replay: files, sampling, priorities, rollouts, replays of several processes, import and export."""
