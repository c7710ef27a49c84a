"""Which clock does what: rows, phases, groups, their order, the pipelines' depths."""
