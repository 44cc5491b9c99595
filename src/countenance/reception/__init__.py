"""The reception: what every request meets before it comes to the interface or to a page, and every answer after it.

How much may be in hand, how long a body may be, which threads work, what is counted. Nothing here decides anything.
"""
