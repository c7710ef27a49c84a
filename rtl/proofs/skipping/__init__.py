"""Statements about cores that skip columns: their steps take as long as what is listed takes."""
