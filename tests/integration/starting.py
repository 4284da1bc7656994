"""Peers started; one that can't be had skips its tests, saying why."""
import importlib

import pytest

from peers.debian import Unavailable
from peers.names import Names


def start(name, *arguments):
    """A peer's module."""
    try:
        return importlib.import_module('peers.' + name).start(*arguments)
    except Unavailable as reason:
        pytest.skip('%s: %s' % (name, reason))


def names_of(records):
    """A name server with these records, for a `with`."""
    try:
        return Names(records)
    except Unavailable as reason:
        pytest.skip('unbound: %s' % reason)
