"""No cause is without a proof by real sockets or files: a scenario of the doctor's, or, where the doctor can't meet it, the
test of whoever does."""
import glob
import os

import pytest

from knowledge import causes
from scenario import Scenario

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)

GATEWAY = 'said by our own gateway to those who hand mail in'
MESSAGE = 'said of a message, and the doctor sends none'
MACHINE = "this machine's own, and the doctor would end with it before it begins"

# Not to be met by the doctor: why, and the test that meets it from end to end.
ELSEWHERE = {
    'gateway_not_allowed': (GATEWAY, 'test_gateway_hostile.py'),
    'gateway_tls_too_old': (GATEWAY, 'test_gateway_hostile.py'),
    'gateway_plaintext_refused': (GATEWAY, 'test_gateway.py'),
    'gateway_bad_password': (GATEWAY, 'test_gateway.py'),
    'gateway_sender_refused': (GATEWAY, 'test_gateway_hostile.py'),
    'gateway_message_too_big': (GATEWAY, 'test_gateway_hostile.py'),
    'content_rejected_spam': (MESSAGE, 'doctor/test_not_by_the_doctor.py'),
    'dmarc_rejected': (MESSAGE, 'doctor/test_not_by_the_doctor.py'),
    'malformed_message': (MESSAGE, 'test_bad_input.py'),
    'line_too_long': (MESSAGE, 'test_bad_input.py'),
    'https_cannot_carry': (MESSAGE, 'test_https.py'),
    'auth_mailbox_unavailable': ("said to a message by the provider's HTTPS interface", 'test_https.py'),
    'input_too_large': (MESSAGE, 'doctor/test_not_by_the_doctor.py'),
    'disk_full': ('the doctor writes nothing', 'test_full_disk.py'),
    'file_unwritable': ('the doctor writes nothing', 'doctor/test_not_by_the_doctor.py'),
    'daemon_unreachable': ('the doctor asks no daemon', 'test_sendmail.py'),
    'queue_unusable': ('the doctor opens no queue', 'doctor/test_not_by_the_doctor.py'),
    'listen_failed': ('the doctor listens nowhere', 'test_bad_input.py'),
    'config_invalid': ('asked of the configuration, and not of a server', 'test_bad_input.py'),
    'file_unreadable': (MACHINE, 'test_bad_input.py'),
    'usage_error': (MACHINE, 'test_bad_input.py'),
    'no_account': (MACHINE, 'test_bad_input.py'),
    'settings_not_found': ('there is no server to look at', 'doctor/test_not_by_the_doctor.py'),
    'out_of_memory': (MACHINE, 'doctor/test_not_by_the_doctor.py'),
}
# Nothing that can be set up leads to it from end to end; the unit tests that do.
BY_UNIT_TESTS = {
    'queue_busy': ('more in flight than a whole test run hands in', 'unit/know/test_rules.c'),
    'internal_error': ('a fault of ours: were one known, it would be mended', 'unit/know/test_rules.c'),
}


def met():
    """All causes that a scenario of this folder expects, of whatever kind it is."""
    found = {scenario.cause for scenario in Scenario.every}
    for path in glob.glob(HERE + '/test_*.py'):
        with open(path) as f:
            text = f.read()
        if 'verdict(' in text:
            found |= {cause for cause in causes() if "'%s'" % cause in text}
    return found


@pytest.mark.parametrize('cause', causes())
def test_is_proven(cause):
    import test_refusals        # noqa: F401: whichever tests are chosen, all scenarios count
    import test_scenarios       # noqa: F401
    import test_tokens          # noqa: F401
    if cause in ELSEWHERE:
        why, place = ELSEWHERE[cause]
        with open(os.path.join(TESTS, place)) as f:
            assert why and cause in f.read(), '%s does not meet it' % place
    else:
        assert cause in BY_UNIT_TESTS or cause in met(), 'no scenario, and no word why there is none'


@pytest.mark.parametrize('cause', [*ELSEWHERE, *BY_UNIT_TESTS])
def test_nothing_is_stale(cause):
    assert cause in causes()
    if cause in BY_UNIT_TESTS:
        why, place = BY_UNIT_TESTS[cause]
        assert why and os.path.exists(os.path.join(os.path.dirname(TESTS), place)), place
