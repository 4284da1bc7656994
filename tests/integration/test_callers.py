"""The programs that call /usr/sbin/sendmail, as Debian has them: what they send arrives, through the machine's daemon and
through a user's own configuration, where no daemon runs. The matrix is printed at the end."""
import os
import shutil
import uuid

import pytest

from outpost import OK
from peers.host import USERS
from peers.process import until
from starting import start

PACKAGES = ['cron', 'mailutils', 'bsd-mailx', 's-nail', 'mutt', 'git', 'git-email', 'php8.2-cli', 'libmime-lite-perl',
            'libemail-sender-perl', 'libmailtools-perl', 'python3', 'ruby', 'ruby-mail']
ALICE = USERS['alice']
TO = 'someone@x.test'


@pytest.fixture(scope='module')
def installed():
    return start('host', 'callers', PACKAGES)


@pytest.fixture(params=['the machine\'s daemon', 'one\'s own, no daemon'])
def scope(request, installed, sandbox):
    installed.configure(sandbox)
    if request.param.startswith('the'):
        shutil.rmtree(installed.path + '/home/alice/.config', ignore_errors=True)
        installed.serve()
    else:
        installed.configure_user('alice', sandbox)
    yield request.param
    installed.stop()


def shell(command):
    def call(machine, needle, sandbox):
        done = machine.run('sh', '-c', command.replace('NEEDLE', needle), uid=ALICE,
                           stdin=b'hello\n.\nfrom a program\n')
        assert done.status == OK, done
    return call


def by_cron(machine, needle, sandbox):
    """A job's output, when the machine starts."""
    permit = ''.join('%s required pam_permit.so\n' % what for what in ('auth', 'account', 'session', 'password'))
    for name in ('cron', 'other'):
        machine.root.write('/etc/pam.d/' + name, permit)
    for folder in ('/run', '/var/run'):
        for name in ('crond.reboot', 'crond.pid'):
            if os.path.exists(machine.path + folder + '/' + name):
                os.unlink(machine.path + folder + '/' + name)
    for folder in ('/etc/cron.d', '/var/spool/cron/crontabs', '/var/run'):
        machine.root.folder(folder)
    path = machine.path + machine.root.write(
        '/etc/cron.d/job', '@reboot alice echo hello; echo .; echo from a program; echo %s >&2\n' % needle)
    os.chmod(path, 0o644)
    cron = machine.start('/usr/sbin/cron', '-f')
    try:
        until(lambda: sandbox.kept(needle.encode()), 'the job\'s mail')
    finally:
        cron.stop()


PERL_PIPE = r'''perl -e 'open(M, "|/usr/sbin/sendmail -t -oi -oem -odb") or die; print M "To: someone\@x.test\n";
print M "Subject: NEEDLE\n\nhello\n.\nfrom a program\n"; close(M) or die "it said $?"' '''
MIME_LITE = r'''perl -MMIME::Lite -e 'MIME::Lite->new(From => "alice\@machine.test", To => "someone\@x.test",
Subject => "NEEDLE", Data => "hello\n.\nfrom a program\n")->send("sendmail") or die' '''
MAIL_MAILER = r'''perl -MMail::Mailer -e '$m = Mail::Mailer->new("sendmail"); $m->open({To => "someone\@x.test",
From => "alice\@machine.test", Subject => "NEEDLE"}); print $m "hello\n.\nfrom a program\n"; $m->close or die' '''
EMAIL_SENDER = r'''perl -MEmail::Sender::Simple=sendmail -MEmail::Sender::Transport::Sendmail -MEmail::Simple -e 'sendmail(
Email::Simple->create(header => [To => "someone\@x.test", From => "alice\@machine.test", Subject => "NEEDLE"],
body => "hello\n.\nfrom a program\n"), {transport => Email::Sender::Transport::Sendmail->new})' '''
PYTHON = r'''python3 -c 'import subprocess
from email.message import EmailMessage
m = EmailMessage()
m["To"], m["From"], m["Subject"] = "someone@x.test", "alice@machine.test", "NEEDLE"
m.set_content("hello\n.\nfrom a program\n")
subprocess.run(["/usr/sbin/sendmail", "-t", "-oi"], input=m.as_bytes(), check=True)' '''
RUBY = r'''ruby -e 'IO.popen(["/usr/sbin/sendmail", "-i", "-t"], "w") { |m|
m.write("To: someone@x.test\nSubject: NEEDLE\n\nhello\n.\nfrom a program\n") }; exit $?.exitstatus' '''
RUBY_MAIL = r'''ruby -rmail -e 'm = Mail.new(to: "someone@x.test", from: "alice@machine.test", subject: "NEEDLE",
body: "hello\n.\nfrom a program\n"); m.delivery_method :sendmail; m.deliver!' '''
PHP = r'''php8.2 -r 'exit(mail("someone@x.test", "NEEDLE", "hello\n.\nfrom a program\n", "From: alice@machine.test",
"-f alice@machine.test") ? 0 : 1);' '''
GIT = r'''set -e; cd; rm -rf w; git init -q w; cd w; git config user.name Alice; git config user.email alice@machine.test
printf "hello\n.\nfrom a program\n" >f; git add f; git commit -qm NEEDLE
git send-email -q --confirm=never --to=someone@x.test --suppress-cc=all -1 >log 2>&1 || { cat log >&2; exit 1; }'''

CALLERS = {
    'cron': by_cron,
    'mailutils mail': shell('mail.mailutils -E "set nodot" -s NEEDLE someone@x.test'),
    'bsd-mailx': shell('bsd-mailx -s NEEDLE someone@x.test'),
    's-nail': shell('s-nail -s NEEDLE someone@x.test'),
    'mutt': shell('mutt -s NEEDLE someone@x.test'),
    'git send-email': shell(GIT),
    'PHP mail()': shell(PHP),
    'Perl, a pipe': shell(PERL_PIPE),
    'Perl MIME::Lite': shell(MIME_LITE),
    'Perl Mail::Mailer': shell(MAIL_MAILER),
    'Perl Email::Sender': shell(EMAIL_SENDER),
    'Python': shell(PYTHON),
    'Ruby, a pipe': shell(RUBY),
    'Ruby Mail': shell(RUBY_MAIL),
}


@pytest.mark.parametrize('program', CALLERS)
def test_what_it_sends_arrives(program, scope, installed, sandbox, record_caller):
    record_caller((program, scope), 'FAILED')
    needle = uuid.uuid4().hex
    CALLERS[program](installed, needle, sandbox)
    (got, envelope), = until(lambda: sandbox.kept(needle.encode()), 'the sandbox to keep it')
    assert envelope['to'] == ['admin@x.test' if program == 'cron' else TO], envelope
    assert b'hello' in got and b'from a program' in got, got
    record_caller((program, scope), 'arrived')
