"""`outpost doctor --import FILE`: accounts of other mail programs. The programs themselves say whether we read their files as
they do; the doctor looks at what their accounts lead to."""
import os
import re
import shutil
import subprocess

import pytest

from network import GMAIL, TARGET, drop
from outpost import CONFIG, OK, PROGRAM, USAGE
from peers.debian import PEERS
from peers.peer import PASSWORD, USER
from peers.terminal import Terminal
from stage import Smtp

FOUND = 1
SERVER = 'mail.example.test'

# kind: (name of the file, its text, other files that it names) - the account is USER at SERVER:PORT by STARTTLS or TLS
FILES = {
    'msmtp': lambda port, tls, folder: ('msmtprc', 'defaults\ntls on\ntls_starttls %s\nauth plain\nlogfile ~/.msmtp.log\n\naccount home\n'
                                        'host %s\nport %d\nuser %s\npassword %s\nfrom %s\n\naccount default : home\n' % (
                                            'off' if tls else 'on', SERVER, port, USER, PASSWORD, USER), {}),
    'ssmtp': lambda port, tls, folder: ('ssmtp.conf', 'root=postmaster\nmailhub=%s:%d\n%s=YES\nAuthUser=%s\nAuthPass=%s\nFromLineOverride=YES\n' % (
        SERVER, port, 'UseTLS' if tls else 'UseSTARTTLS', USER, PASSWORD), {}),
    'nullmailer': lambda port, tls, folder: ('remotes', "%s smtp --port=%d %s --user=%s --pass='%s' --frob\n" % (
        SERVER, port, '--ssl' if tls else '--starttls', USER, PASSWORD), {}),
    'dma': lambda port, tls, folder: ('dma.conf', 'SMARTHOST %s\nPORT %d\nAUTHPATH %s/auth.conf\nSECURETRANSFER\n%sMAILNAME /etc/mailname\n' % (
        SERVER, port, folder, '' if tls else 'STARTTLS\n'), {'auth.conf': '%s|%s:%s\n' % (USER, SERVER, PASSWORD)}),
    'postfix': lambda port, tls, folder: ('main.cf', 'myhostname = web1.example.test\nrelayhost = [%s]:%d\nsmtp_sasl_auth_enable = yes\n'
                                          'smtp_sasl_password_maps =\n  texthash:%s/sasl_passwd\nsmtp_tls_security_level = encrypt\n'
                                          'smtp_tls_wrappermode = %s\ninet_interfaces = loopback-only\n' % (
                                              SERVER, port, folder, 'yes' if tls else 'no'),
                                          {'sasl_passwd': '[%s]:%d %s:%s\n' % (SERVER, port, USER, PASSWORD)}),
}
# what each says for another port, and the line it names
SAYS = {
    'msmtp': ['msmtprc:9: host %s, port 465' % SERVER, 'tls on, tls_starttls off'], 'ssmtp': ['ssmtp.conf:2: mailhub=%s:465' % SERVER, 'UseTLS=YES'],
    'nullmailer': ['remotes:1: %s smtp --port=465' % SERVER, '--ssl'], 'dma': ['dma.conf:2: SMARTHOST %s, PORT 465' % SERVER, 'without STARTTLS'],
    'postfix': ['main.cf:2: relayhost = [%s]:465' % SERVER, 'smtp_tls_wrappermode = yes'],
}
LEFT = {      # a line that is not carried; dma's is the last
    'msmtp': 'msmtprc:5: logfile', 'ssmtp': 'ssmtp.conf:6: FromLineOverride', 'nullmailer': 'remotes:1: an option', 'dma': 'MAILNAME: concerns',
        'postfix': 'main.cf:8: inet_interfaces'}


@pytest.fixture
def theirs(tmp_path):
    """theirs(kind, port, tls): the program's file, with those that it names. Its path."""
    def make(kind, port=587, tls=False):
        folder = tmp_path / kind
        folder.mkdir(exist_ok=True)
        name, text, others = FILES[kind](port, tls, folder)
        for other, content in others.items():
            (folder / other).write_text(content)
        (folder / name).write_text(text)
        return str(folder / name)
    return make


@pytest.mark.parametrize('kind', FILES)
@pytest.mark.parametrize('port,tls', [(587, False), (465, True)])
def test_what_works_there_works_here(kind, port, tls, stage, theirs, outpost):
    heard = []

    class Server(Smtp):
        def take(self, command):
            heard.append(command)

    stage.open(TARGET, port, Server('at once' if tls else 'starttls', ehlo=['AUTH PLAIN']))
    result = outpost.run('doctor', '--import', theirs(kind, port, tls))
    assert result.status == OK and 'Nothing is wrong' in result.out and not result.err, result
    assert LEFT[kind] in result.out, result
    assert any(command.startswith(b'AUTH') for command in heard) and b'MAIL FROM:<%s>' % USER.encode() in b''.join(heard), heard
    assert not os.path.exists(os.path.join(outpost.folder, 'state')) and PASSWORD not in result.out, result


@pytest.mark.parametrize('kind', FILES)
def test_steps_in_its_own_words(kind, stage, network, theirs, outpost):
    stage.open(TARGET, 465, Smtp('at once'))
    stage.open(GMAIL, 587, Smtp())
    network.firewall(drop(587))
    path = theirs(kind)
    result = outpost.run('doctor', '--import', path, '--connect-timeout', '3')
    assert result.status == FOUND and 'connect_timeout_port_blocked' in result.out and not result.err, result
    for words in SAYS[kind]:
        assert words in result.out, result
    assert '--fix' not in result.out, result
    told = outpost.run('doctor', '--import', path, '--json', '--connect-timeout', '3').json['import']
    assert told['kind'] == kind and told['signs_in'] and len(told['steps']) == 2 and told['notes'], told


def test_a_password_that_is_wrong_there(stage, theirs, outpost):
    stage.open(TARGET, 587, Smtp(replies={'AUTH': '535 5.7.8 Error: authentication failed'}))
    told = outpost.run('doctor', '--import', theirs('msmtp'), '--json').json
    assert told['cause'] == 'auth_bad_credentials' and told['target']['host'] == SERVER, told


# ---- a command for the password ----

MSMTPRC = 'account a\nhost %s\nport 587\ntls on\nauth plain\nuser %s\npasswordeval "touch %%s; cat %%s"\n' % (SERVER, USER)


@pytest.fixture
def with_command(tmp_path):
    path, ran, secret = tmp_path / 'msmtprc', tmp_path / 'ran', tmp_path / 'secret'
    secret.write_text(PASSWORD)
    path.write_text(MSMTPRC % (ran, secret))
    return str(path), str(ran)


@pytest.mark.parametrize('words,runs', [((), False), (('--yes',), True)])
def test_no_command_is_run_unasked(words, runs, stage, with_command, outpost):
    path, ran = with_command
    stage.open(TARGET, 587, Smtp(ehlo=['AUTH PLAIN']))
    result = outpost.run('doctor', '--import', path, *words)
    assert result.status == OK and os.path.exists(ran) == runs, result
    assert ('Nobody signed in: the command for its password was not run' in result.out) == (not runs), result


def test_a_command_that_others_could_write_is_not_run(stage, with_command, outpost):
    path, ran = with_command
    os.chmod(path, 0o666)
    stage.open(TARGET, 587, Smtp(ehlo=['AUTH PLAIN']))
    result = outpost.run('doctor', '--import', path, '--yes')
    assert result.status == OK and not os.path.exists(ran), result
    assert 'Nobody signed in: others may write its file' in result.out, result


@pytest.mark.parametrize('answer,runs', [(b'n\n', False), (b'y\n', True)])
def test_asked_before_it_is_run(answer, runs, stage, network, with_command, outpost):
    path, ran = with_command
    stage.open(TARGET, 587, Smtp(ehlo=['AUTH PLAIN']))
    terminal = Terminal([*network.inside, PROGRAM, 'doctor', '--import', path, '--config', outpost.config], {**outpost.environment, 'TERM': 'xterm'})
    terminal.until(b'Run it now:')
    assert not os.path.exists(ran)
    terminal.type(answer)
    assert terminal.end() == OK and os.path.exists(ran) == runs


# ---- several accounts, and none ----

def test_one_of_several(stage, tmp_path, outpost):
    stage.open(TARGET, 587, Smtp(ehlo=['AUTH PLAIN']))
    path = tmp_path / 'msmtprc'
    path.write_text('account other\nhost other.example.test\nport 587\nfrom o@example.test\naccount home\nhost %s\nport 587\ntls on\nfrom %s\n' % (SERVER, USER))
    for word in ('home', USER):
        assert outpost.run('doctor', '--import', str(path), word, '--json').json['target']['host'] == SERVER
    assert outpost.run('doctor', '--import', str(path), '--json', '--connect-timeout', '2').json['target']['host'] == 'other.example.test'
    assert outpost.run('doctor', '--import', str(path), 'nobody').status == USAGE


def test_the_address_is_named_where_it_is_not_told(stage, tmp_path, outpost):
    stage.open(TARGET, 587, Smtp())
    path = tmp_path / 'ssmtp.conf'
    path.write_text('mailhub=%s:587\nUseSTARTTLS=YES\n' % SERVER)
    assert outpost.run('doctor', '--import', str(path)).status == CONFIG
    assert outpost.run('doctor', '--import', str(path), USER).status == OK


def test_oauth_of_another_program(stage, tmp_path, outpost):
    """Its tokens are that program's; the server is looked at without."""
    stage.open(TARGET, 587, Smtp(ehlo=['AUTH XOAUTH2']))
    path = tmp_path / 'emailproxy.config'
    path.write_text('[SMTP-1587]\nserver_address = %s\nserver_port = 587\nserver_starttls = True\n[%s]\nclient_id = x\nclient_secret = hunter22\n' % (SERVER, USER))
    result = outpost.run('doctor', '--import', str(path))
    assert result.status == OK and 'tokens that only that program can read' in result.out and 'hunter22' not in result.out, result
    assert 'emailproxy.config:7: client_secret' in result.out, result


@pytest.mark.parametrize('text,words,status', [
    ('Dear Sirs,\n', [], USAGE), ('Dear Sirs,\n', ['--from', 'msmtp'], CONFIG), ('', ['--from', 'outlook'], USAGE), ('account x\nhost h\n', ['--fix'], USAGE),
    ('relayhost = x\n' + 'y' * 1048576, [], 65), (None, [], 66)])
def test_asked_wrongly(text, words, status, tmp_path, outpost):
    path = tmp_path / 'mine'
    if text is not None:
        path.write_text(text)
    result = outpost.run('doctor', '--import', str(path), USER, *words)
    assert result.status == status and len(result.err.splitlines()) == 1, result


# ---- the programs themselves ----

def test_msmtp_reads_it_so(clients, theirs, outpost):
    for port, tls in ((587, False), (465, True)):
        with open(theirs('msmtp', port, tls)) as f:
            path = clients._file('theirs', f.read())
        said = clients.run(['msmtp', '-C', path, '--pretend', USER], b'Subject: x\n\n').stdout.decode()
        values = dict(re.findall(r'^(\w+) += (.*)$', said, re.M))
        assert (values['host'], values['port'], values['tls'], values['tls_starttls'], values['user'], values['from'], values['auth']) == (
            SERVER, str(port), 'on', 'off' if tls else 'on', USER, USER, 'PLAIN'), said


def test_postfix_reads_it_so(postfix, theirs, tmp_path, outpost):
    path = theirs('postfix')
    root = os.path.join(PEERS, 'postfix')       # the peer's own, where it is unpacked
    os.makedirs(root + '/etc/theirs', exist_ok=True)
    shutil.copy(path, root + '/etc/theirs/main.cf')
    open(root + '/etc/theirs/master.cf', 'w').close()
    said = subprocess.run(['/usr/sbin/chroot', root, '/usr/sbin/postconf', '-n', '-c', '/etc/theirs'], capture_output=True, text=True).stdout
    values = dict(line.split(' = ', 1) for line in said.splitlines() if ' = ' in line)
    assert values['relayhost'] == '[%s]:587' % SERVER and values['smtp_tls_security_level'] == 'encrypt', said
    assert values['smtp_sasl_password_maps'] == 'texthash:%s/sasl_passwd' % os.path.dirname(path), said
    assert values['smtp_tls_wrappermode'] == 'no', said
