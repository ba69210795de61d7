"""One module for each noun of the command line.

They import what they call only when they are called: `contacts.tables` reads the name of the table while it is
imported, and only the options of the command line tell which one it is.
"""
