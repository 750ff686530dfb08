"""Building blocks of suites: their contract, emulators, spaces, simulation states, processes and rendering."""
