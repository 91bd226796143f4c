"""What telling a change of status costs: a storm of changes on an engine, its CPU time counted by stage."""
