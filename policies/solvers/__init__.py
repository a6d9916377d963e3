"""How the optimiser finds its prices and its plan; nothing here knows of campaigns, only of arrays and bounds."""
