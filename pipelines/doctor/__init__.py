"""What is wrong with this installation, and what to do about it: one module a family of checks.

It stands here and not in ``cluster/`` because half of the checks use the very classes of ``actors/`` that
they are about. A further check is one more line in ``checks.py``, a further model one more in ``models.py``.
"""
