"""What the suites are made of: emulators, spaces, simulation states, processes, rendering."""
