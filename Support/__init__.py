"""What every room shares: errors, classes by name, schedules, random state, machine, files, interrupts."""
