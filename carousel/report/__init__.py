"""What pages and terminals show: HTML, tables and figures."""
