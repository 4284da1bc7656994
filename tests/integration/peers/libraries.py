"""Libraries that hand mail in, each by a script as people write it: what they say when it fails. JavaMail tries many servers in
one process, since it is slow to start."""
import os
import subprocess

from .debian import Root

PACKAGES = ['ruby', 'php-cli', 'php-symfony-mailer', 'php-net-smtp', 'php-mail', 'python3', 'python3-aiosmtplib', 'libemail-sender-perl',
            'libio-socket-ssl-perl', 'libnet-ssleay-perl', 'libauthen-sasl-perl', 'coreutils', 'libc-bin']
JAVA = ['openjdk-17-jre-headless', 'libmail-java', 'bsh', 'libc-bin']
CA = '/etc/ssl/test-ca.pem'
SCRIPTS = {}        # name: (what runs it, the script); its arguments are port, encryption, user, password, from and to

SCRIPTS['Ruby'] = (['ruby', '-e'], '''
require 'net/smtp'
port, encryption, user, password, from, to = ARGV
context = OpenSSL::SSL::SSLContext.new
context.set_params(ca_file: '%s')
smtp = Net::SMTP.new('localhost', port.to_i)
encryption == 'tls' ? smtp.enable_tls(context) : smtp.enable_starttls(context)
smtp.start('me.test', user, password, :plain) { |line| line.send_message("Subject: it\\r\\n\\r\\nIt.\\r\\n", from, to) }
''' % CA)

# Nothing is set up that the packages' scripts would: so PHP is told of its extensions.
PHP = ['php8.2', '-d', 'display_errors=stderr', '-d', 'openssl.cafile=' + CA, '-d', 'extension=mbstring', '-d', 'extension=iconv',
       '-d', 'extension=ctype']

SCRIPTS['Symfony Mailer'] = ([*PHP, '-r'], '''
foreach (['Mailer', 'Mime'] as $part)
    require "/usr/share/php/Symfony/Component/$part/autoload.php";
list(, $port, $encryption, $user, $password, $from, $to) = $argv;
$transport = Symfony\\Component\\Mailer\\Transport::fromDsn(
    ($encryption == 'tls' ? 'smtps' : 'smtp') . '://' . urlencode($user) . ':' . urlencode($password) . "@localhost:$port");
$transport->send((new Symfony\\Component\\Mime\\Email())->from($from)->to($to)->subject('it')->text('It.'));
''')

SCRIPTS['PEAR'] = ([*PHP, '-d', 'error_reporting=0', '-r'], '''
require 'Mail.php';
list(, $port, $encryption, $user, $password, $from, $to) = $argv;
$mail = Mail::factory('smtp', ['host' => ($encryption == 'tls' ? 'ssl://' : '') . 'localhost', 'port' => (int) $port, 'auth' => true,
                               'username' => $user, 'password' => $password, 'localhost' => 'me.test', 'timeout' => 10]);
$sent = $mail->send($to, ['From' => $from, 'To' => $to, 'Subject' => 'it'], 'It.');
if (PEAR::isError($sent)) { echo $sent->getMessage(); exit(1); }
''')

SCRIPTS['aiosmtplib'] = (['python3', '-c'], '''
import asyncio, aiosmtplib, ssl, sys
from email.message import EmailMessage
port, encryption, user, password, sender, recipient = sys.argv[1:]
message = EmailMessage()
message['From'], message['To'], message['Subject'] = sender, recipient, 'it'
message.set_content('It.')
asyncio.run(aiosmtplib.send(message, hostname='localhost', port=int(port), username=user, password=password, timeout=10,
                            use_tls=encryption == 'tls', start_tls=encryption == 'starttls',
                            tls_context=ssl.create_default_context(cafile='%s')))
''' % CA)

SCRIPTS['Email::Sender'] = (['perl', '-e'], '''
use Email::Sender::Simple 'sendmail'; use Email::Sender::Transport::SMTP; use Email::Simple;
my ($port, $encryption, $user, $password, $from, $to) = @ARGV;
sendmail(Email::Simple->create(header => [From => $from, To => $to, Subject => 'it'], body => 'It.'),
         {transport => Email::Sender::Transport::SMTP->new({
              host => 'localhost', port => $port, ssl => $encryption eq 'tls' ? 'ssl' : 'starttls', ssl_options => {SSL_ca_file => '%s'},
              sasl_username => $user, sasl_password => $password})});
''' % CA)

BEANSHELL = '''
import java.util.*; import javax.mail.*; import javax.mail.internet.*;
String[] words = bsh.args;
for (int i = 0; i + 1 < words.length; i += 2) {
    Properties settings = new Properties();
    settings.put("mail.smtp.host", "localhost"); settings.put("mail.smtp.port", words[i]); settings.put("mail.smtp.auth", "true");
    settings.put("mail.smtp.ssl.checkserveridentity", "true"); settings.put("mail.smtp.timeout", "10000");
    settings.put(words[i + 1].equals("tls") ? "mail.smtp.ssl.enable" : "mail.smtp.starttls.required", "true");
    settings.put("mail.smtp.starttls.enable", "true");
    MimeMessage message = new MimeMessage(Session.getInstance(settings));
    message.setFrom(new InternetAddress("alice@example.test")); message.setSubject("it"); message.setText("It.");
    message.setRecipients(Message.RecipientType.TO, "bob@example.test");
    System.out.println("--- " + i / 2);
    try { Transport.send(message, "alice", "wrongpassword"); } catch (MessagingException e) { e.printStackTrace(System.out); }
}
'''


class Libraries:
    def __init__(self, authority):
        self.root = Root('libraries', PACKAGES)
        self.root.copy(authority.ca, CA)
        self.root.folder('/home')

    def _run(self, argv):
        variables = {'PATH': '/usr/bin:/bin', 'HOME': '/home', 'LC_ALL': 'C.UTF-8', 'TERM': 'dumb'}
        return subprocess.run(self.root.command(*argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=variables, timeout=60)

    def send(self, name, way, sender, recipient):
        """What it said, and how it ended."""
        runs, script = SCRIPTS[name]
        words = [str(way.port), way.encryption, way.user, way.password, sender, recipient]
        return self._run([*runs, script, *(['--'] if runs[0] == PHP[0] else []), *words])


class JavaMail:
    def __init__(self, authority):
        self.root = Root('java', JAVA)
        self.root.copy(authority.ca, CA)
        self.home = '/usr/lib/jvm/' + sorted(n for n in os.listdir(self.root.file('/usr/lib/jvm/')) if n.startswith('java-17'))[0]
        self.root.write('/tmp/sends.bsh', BEANSHELL)
        if os.path.exists(self.root.path + '/tmp/trusted'):
            os.unlink(self.root.path + '/tmp/trusted')
        self._run('keytool', '-importcert', '-noprompt', '-storepass', 'changeit', '-keystore', '/tmp/trusted', '-alias', 'test', '-file', CA)

    def _run(self, program, *argv):
        variables = {'PATH': '/usr/bin:/bin', 'LD_LIBRARY_PATH': self.home + '/lib', 'LC_ALL': 'C.UTF-8'}
        return subprocess.run(self.root.command(self.home + '/bin/' + program, *argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=variables, timeout=120)

    def send(self, ways):
        """What it said of each of these (port, encryption)."""
        jars = ':'.join('/usr/share/java/%s.jar' % name for name in ('bsh', 'javax.mail', 'javax.activation'))
        done = self._run('java', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Djavax.net.ssl.trustStore=/tmp/trusted',
                         '-Djavax.net.ssl.trustStorePassword=changeit', '-cp', jars, 'bsh.Interpreter', '/tmp/sends.bsh',
                         *[str(word) for way in ways for word in way])
        said = done.stdout.split(b'--- ')[1:]
        assert len(said) == len(ways), done
        return [text.split(b'\n', 1)[1] for text in said]


def start(authority):
    return Libraries(authority)
