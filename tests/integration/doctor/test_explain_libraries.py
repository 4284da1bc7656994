"""`outpost explain` on what libraries of other languages say, on the same wrongs."""
import pytest

from peers.clients import Way
from peers.debian import Unavailable
from peers.libraries import SCRIPTS, JavaMail
from peers.peer import USER
from peers.process import free_port
from starting import start
from test_explain import WRONGS, Desk, more_certificates

PROGRAMS = [*SCRIPTS, 'JavaMail']
UNTRUSTED = {'an old certificate', 'a certificate of its own', 'a certificate of nobody'}
# Of these wrongs a program tells too little for the one cause: it must be among those named.
VAGUE = {
    'Symfony Mailer': UNTRUSTED,                                # "certificate verify failed"
    'PEAR': {'an old certificate', "another's certificate", 'a certificate of nobody'},         # "(Unknown error)"
    'Email::Sender': {'nobody listens'},                        # "unable to establish SMTP connection", whatever it was
    'JavaMail': {'a certificate of its own'},                   # "unable to find valid certification path"
}
# And of these it tells nothing, or does not mind it.
SILENT = {
    'Ruby': {'no sign-in offered', 'no mechanism in common'},
    'Symfony Mailer': {'no STARTTLS', 'no sign-in offered'},
    'PEAR': {'no STARTTLS', 'a certificate of its own', 'TLS 1.0 alone'},
    'Email::Sender': UNTRUSTED | {'no STARTTLS', 'turned away', 'hangs up at once', 'TLS at once where STARTTLS is', "another's certificate",
                                  'TLS 1.0 alone'},
    'JavaMail': {'no sign-in offered'},
}


@pytest.fixture(scope='session')
def libraries(authority):
    more_certificates(authority)
    return start('libraries', authority)


@pytest.fixture
def desk(authority):
    desk = Desk(authority)
    yield desk
    desk.close()


@pytest.fixture(scope='session')
def javamail(authority):
    """What JavaMail says of each wrong; all of them in one process."""
    more_certificates(authority)
    desk = Desk(authority)
    try:
        ways = [(desk.open(server) if server else free_port(), encryption) for server, encryption, _ in WRONGS.values()]
        said = dict(zip(WRONGS, JavaMail(authority).send(ways)))
    except Unavailable as reason:
        pytest.skip('JavaMail: %s' % reason)
    finally:
        desk.close()
    return said


@pytest.mark.parametrize('wrong,program', [(wrong, program) for wrong in WRONGS for program in PROGRAMS
                                           if wrong not in SILENT.get(program, ())])
def test_what_libraries_say(wrong, program, request, authority, outpost):
    server, encryption, cause = WRONGS[wrong]
    if program == 'JavaMail':
        said = request.getfixturevalue('javamail')[wrong]
    else:
        desk = request.getfixturevalue('desk')
        way = Way(desk.open(server) if server else free_port(), encryption, USER, 'wrongpassword')
        done = request.getfixturevalue('libraries').send(program, way, USER, 'bob@example.test')
        assert done.returncode != 0, done
        said = done.stdout
    result = outpost.run('explain', '-', '--json', stdin=said)
    told = result.json
    named = [told['cause'], *told.get('also', [])]
    assert cause in (named if wrong in VAGUE.get(program, ()) else named[:1]), '%s\n%s' % (said.decode(errors='replace'), result)
