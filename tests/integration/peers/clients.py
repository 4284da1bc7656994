"""Mail programs that hand mail in, unpacked into a root of their own; each knows what a person types into a device:
server, port, encryption, user, password.

`raw` ones send a message that is given to them whole; the others are given a text and write the message around it.
"""
import os
import subprocess
from dataclasses import dataclass

from .debian import Root

PACKAGES = ['swaks', 'msmtp', 'curl', 's-nail', 'mutt', 'git', 'git-email', 'php-cli', 'libphp-phpmailer', 'dash',
            'coreutils', 'libc-bin', 'libmailtools-perl', 'libio-socket-ssl-perl', 'libauthen-sasl-perl', 'libnet-ssleay-perl', 'libsasl2-modules']
RAW = ('swaks', 'msmtp', 'curl', 'nodemailer', 'Net::SMTP')
COMPOSING = ('s-nail', 'mutt', 'git send-email', 'PHPMailer', 'Thunderbird')
PEERS = {'nodemailer': 'nodemailer', 'Thunderbird': 'thunderbird'}      # of their own; all others are one, `clients`
CA = '/etc/ssl/test-ca.pem'


@dataclass
class Way:
    """To a listener. encryption: 'starttls', 'tls' or 'none'; user None: without a sign-in."""
    port: int
    encryption: str
    user: str = None
    password: str = None

    @property
    def url(self):
        return '%s://localhost:%d' % ('smtps' if self.encryption == 'tls' else 'smtp', self.port)

    @property
    def url_with_user(self):
        """For those who take no other; the password's blanks and commas in percent form."""
        who = '%s:%s@' % (self.user, ''.join(c if c.isalnum() else '%%%02X' % ord(c) for c in self.password)) \
            if self.user else ''
        return self.url.replace('://', '://' + who)


class Clients:
    def __init__(self, authority):
        self.root = Root('clients', PACKAGES)
        self.root.copy(authority.ca, CA)
        self.root.folder('/home')

    def run(self, argv, stdin=b'', **variables):
        variables = {'PATH': '/usr/bin:/bin', 'HOME': '/home', 'LC_ALL': 'C.UTF-8', 'TERM': 'dumb', **variables}
        return subprocess.run(self.root.command(*argv), input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=variables, timeout=60)

    def send(self, client, way, sender, recipient, message):
        """message: of a RAW client the whole message, of the others (subject, text). What the client said, and how it
        ended."""
        return getattr(self, '_' + client.lower().replace(' ', '_').replace('-', '_').replace('::', '_'))(
            way, sender, recipient, message)

    def _file(self, name, data):
        with open(self.root.file('/home/' + name), 'wb') as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        os.chmod(self.root.file('/home/' + name), 0o600)
        return '/home/' + name

    # ---- those that send what they are given ----

    def _swaks(self, way, sender, recipient, message):
        security = {'starttls': ['--tls'], 'tls': ['--tlsc'], 'none': []}[way.encryption]
        if security:
            security += ['--tls-verify', '--tls-ca-path', CA]
        proof = ['--auth', 'PLAIN', '--auth-user', way.user, '--auth-password', way.password] if way.user else []
        # it is given lines as they will go over the wire
        wire = message.replace(b'\r\n.', b'\r\n..') + b'.\r\n'
        return self.run(['swaks', '--server', 'localhost', '--port', str(way.port), '--from', sender, '--to', recipient,
                         '--no-data-fixup', '--data', '@' + self._file('swaks.eml', wire), *security, *proof])

    def _msmtp(self, way, sender, recipient, message):
        lines = ['account default', 'host localhost', 'port %d' % way.port, 'from ' + sender,
                 'tls ' + ('off' if way.encryption == 'none' else 'on'),
                 'tls_starttls ' + ('on' if way.encryption == 'starttls' else 'off'), 'tls_trust_file ' + CA,
                 'auth ' + ('plain' if way.user else 'off')]
        if way.user:
            lines += ['user ' + way.user, 'password ' + way.password]
        config = self._file('msmtprc', '\n'.join(lines) + '\n')
        return self.run(['msmtp', '-C', config, recipient], message.replace(b'\r\n', b'\n'))

    def _curl(self, way, sender, recipient, message):
        lines = ['url = ' + way.url, 'mail-from = ' + sender, 'mail-rcpt = ' + recipient, 'cacert = ' + CA, 'silent',
                 'show-error', 'upload-file = ' + self._file('curl.eml', message)]
        if way.encryption == 'starttls':
            lines.append('ssl-reqd')
        if way.user:
            lines.append('user = "%s:%s"' % (way.user, way.password))
        return self.run(['curl', '--disable', '--config', self._file('curlrc', '\n'.join(lines) + '\n')])

    def _net_smtp(self, way, sender, recipient, message):
        script = """
            use Net::SMTP; use IO::Socket::SSL;
            my ($port, $encryption, $user, $password, $from, $to) = @ARGV;
            my @tls = (SSL_ca_file => '%s', SSL_verifycn_name => 'localhost');
            my $smtp = Net::SMTP->new('localhost', Port => $port, SSL => $encryption eq 'tls', @tls) or die $@;
            $encryption ne 'starttls' or $smtp->starttls(@tls) or die $smtp->message;
            !$user or $smtp->auth($user, $password) or die $smtp->message;
            binmode STDIN; my $message = do { local $/; <STDIN> };
            $smtp->mail($from, Bits => 8) && $smtp->to($to) && $smtp->data && $smtp->datasend($message) && $smtp->dataend
                or die $smtp->message;
            print $smtp->message; $smtp->quit;
            """ % CA
        return self.run(['perl', '-e', script, str(way.port), way.encryption, way.user or '', way.password or '', sender,
                         recipient], message)

    # ---- those that write a message around a text ----

    def _s_nail(self, way, sender, recipient, message):
        settings = ['v15-compat', 'mta=' + way.url_with_user, 'from=' + sender, 'tls-ca-file=' + CA, 'tls-verify=strict',
                    'smtp-auth=' + ('plain' if way.user else 'none'), 'sendwait', 'sendcharsets=utf-8', 'hostname=me.test']
        if way.encryption == 'starttls':
            settings.append('smtp-use-starttls')
        words = [word for setting in settings for word in ('-S', setting)]
        return self.run(['s-nail', '-n', *words, '-s', message[0], '-.', recipient], message[1].encode(), MAILRC='/dev/null')

    def _mutt(self, way, sender, recipient, message):
        lines = ['set smtp_url = "%s"' % way.url_with_user, 'set from = "%s"' % sender, 'set use_from = yes',
                 'set ssl_starttls = ' + ('yes' if way.encryption == 'starttls' else 'no'),
                 'set ssl_force_tls = ' + ('no' if way.encryption == 'none' else 'yes'),
                 'set ssl_ca_certificates_file = ' + CA, 'set certificate_file = /home/mutt.certs', 'set copy = no',
                 'set send_charset = utf-8']
        config = self._file('muttrc', '\n'.join(lines) + '\n')
        return self.run(['mutt', '-n', '-F', config, '-s', message[0], '--', recipient], message[1].encode())

    def _git_send_email(self, way, sender, recipient, message):
        self._file('.gitconfig', '[user]\nname = Alice\nemail = %s\n' % sender)
        patch = 'From: %s\nTo: %s\nSubject: %s\nDate: Sun, 22 Nov 2026 10:00:00 +0000\n\n%s' % (
            sender, recipient, *message)
        words = ['--from=' + sender, '--to=' + recipient, '--suppress-cc=all', '--confirm=never', '--no-validate',
                 '--8bit-encoding=UTF-8', '--transfer-encoding=8bit', '--smtp-server=localhost',
                 '--smtp-server-port=%d' % way.port, '--smtp-ssl-cert-path=' + CA]
        if way.encryption != 'none':
            words.append('--smtp-encryption=' + {'starttls': 'tls', 'tls': 'ssl'}[way.encryption])
        if way.user:
            words += ['--smtp-user=' + way.user, '--smtp-pass=' + way.password]
        return self.run(['git', 'send-email', *words, self._file('0001-it.patch', patch)])

    def _phpmailer(self, way, sender, recipient, message):
        script = """
            foreach (['Exception', 'PHPMailer', 'SMTP'] as $part)
                require "/usr/share/php/libphp-phpmailer/src/$part.php";
            list(, $port, $encryption, $user, $password, $from, $to, $subject) = $argv;
            $mail = new PHPMailer\\PHPMailer\\PHPMailer(true);
            $mail->isSMTP();
            $mail->Host = 'localhost'; $mail->Port = $port; $mail->Hostname = 'me.test'; $mail->XMailer = ' ';
            $mail->SMTPSecure = ['starttls' => 'tls', 'tls' => 'ssl', 'none' => ''][$encryption];
            $mail->SMTPAutoTLS = false;
            $mail->SMTPOptions = ['ssl' => ['cafile' => '%s']];
            if ($user) { $mail->SMTPAuth = true; $mail->Username = $user; $mail->Password = $password; }
            $mail->CharSet = 'UTF-8'; $mail->Encoding = '8bit';
            $mail->setFrom($from); $mail->addAddress($to); $mail->Subject = $subject;
            $mail->Body = stream_get_contents(STDIN);
            $mail->send(); echo "sent";
            """ % CA
        return self.run(['php8.2', '-d', 'display_errors=stderr', '-r', script, '--', str(way.port), way.encryption,
                         way.user or '', way.password or '', sender, recipient, message[0]], message[1].encode())


def start(authority):
    return Clients(authority)
