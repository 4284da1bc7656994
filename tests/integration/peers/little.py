"""Small parts of a mail server, each in the one wrong way that a test wants: milters, and whom Postfix asks about sign-ins."""
import os
import socket
import struct
import threading

MAIL, RCPT, END = b'M', b'R', b'E'      # commands of the milter protocol
CONTINUE = b'c'


def listen(serve, listener=None):
    """serve(line) for whoever calls, until the tests end; its port."""
    listener = listener or socket.create_server(('127.0.0.1', 0))

    def attend(line):
        with line:
            try:
                serve(line)
            except OSError:
                pass        # the caller hung up

    def loop():
        while True:
            threading.Thread(target=attend, args=(listener.accept()[0],), daemon=True).start()
    threading.Thread(target=loop, daemon=True).start()
    return listener.getsockname()[1] if listener.family == socket.AF_INET else None


def milter(when, says):
    """Content with everything until `when`; then it answers in these words, or is gone."""
    def serve(line):
        stream = line.makefile('rwb')
        while head := stream.read(4):
            command = stream.read(struct.unpack('!I', head)[0])[:1]
            if command == b'Q':
                return
            if command in b'DAK':       # no answer is due
                continue
            if command == when and says is None:
                return
            reply = CONTINUE
            if command == b'O':
                reply = b'O' + struct.pack('!III', 6, 0, 0)
            elif command == when:
                reply = b'y' + says.encode() + b'\0'
            stream.write(struct.pack('!I', len(reply)) + reply)
            stream.flush()
    return listen(serve)


def dying_authority(root, folder):
    """FOLDER/auth: it says what Dovecot says of itself, and is gone with the first question."""
    def serve(line):
        line.sendall(b'VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t00\nDONE\n')
        heard = b''
        while b'AUTH\t' not in heard and (more := line.recv(4096)):
            heard += more

    root.empty_folder(folder)
    listener, at = socket.socket(socket.AF_UNIX), os.open(root.path + folder, os.O_PATH)
    listener.bind('/proc/self/fd/%d/auth' % at)         # a socket's name is short, and a root's path is not
    os.close(at)
    os.chmod(root.path + folder + '/auth', 0o666)
    listener.listen(50)
    listen(serve, listener)
