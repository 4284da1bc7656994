"""Messages that make trouble for whoever changes a byte of them."""
import uuid

NASTY = '\r\n'.join((
    '.', '..', '.a dot before a word', 'trailing blanks  \t', '', 'ünïcödé, 8 bit', 'x' * 998,
    'From here on', '=2E not quoted printable', '', '.', '', '', ''))


def message(body=NASTY, to='someone@x.test', sender='alice@example.test'):
    """(bytes of a whole message with CRLF, a needle that only this one has)."""
    needle = uuid.uuid4().hex
    head = ['Date: Sun, 22 Nov 2026 10:00:00 +0000', 'From: Alice <%s>' % sender, 'To: %s' % to,
            'Message-ID: <%s@example.test>' % needle, 'Subject: %s' % needle, 'MIME-Version: 1.0',
            'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 8bit']
    return ('\r\n'.join(head) + '\r\n\r\n' + body).encode(), needle.encode()
