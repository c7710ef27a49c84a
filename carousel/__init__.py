"""The face: command line, tables, figures and the report. It calls the four packages below it."""
