"""Model-free toolbox: no Django, no clock, no settings; `now` and keys are arguments."""
