"""What the simulators of the platforms share: a clock, a call log, faults, waiting, the look of their pages."""
