"""What is built in is known by the account's names alone; what a machine's owner adds stands over it."""
import os

import pytest
from messages import message
from outpost import CONFIG, OK

OWNERS = '''[provider {id}]
name = Mine
kind = mailbox
domains = {domain}
server = localhost:{port} tls
mechanisms = PLAIN
username = address
password = taken
'''


def own_file(outpost, text):
    folder = os.path.join(outpost.folder, 'providers')
    os.mkdir(folder, 0o700)
    with open(os.path.join(folder, 'mine.ini'), 'w') as f:
        f.write(text)


@pytest.mark.parametrize('id,domain', [('mine', 'example.test'), ('gmail', 'example.test')],
                         ids=['another provider', 'in the place of one that is built in'])
def test_owners_file_names_the_server(id, domain, outpost, scripted):
    own_file(outpost, OWNERS.format(id=id, domain=domain, port=scripted.ports['tls']))
    outpost.account(None, None, address='me@' + domain)
    text, needle = message()
    result = outpost.send(text, 'a@x.test')
    assert result.status == OK, result
    assert scripted.await_messages(needle)


def test_owners_file_takes_a_domain_away(outpost):
    own_file(outpost, OWNERS.format(id='gmail', domain='example.test', port=1))
    outpost.account(None, None, address='me@gmail.com')
    result = outpost.send(message()[0], 'a@x.test')
    assert result.status == CONFIG and 'no profile knows one' in result.err, result


def test_mistake_in_owners_file_is_told_with_its_place(outpost, scripted):
    own_file(outpost, OWNERS.format(id='mine', domain='example.test', port=1) + 'sever = x\n')
    outpost.account_at(scripted, 'tls')
    result = outpost.send(message()[0], 'a@x.test')
    assert result.status == CONFIG and 'mine.ini' in result.err and 'line 9' in result.err, result


def test_built_in_knowledge_fills_an_account(outpost):
    outpost.account(None, None, address='me@hotmail.com.pe', auth='token')
    shown = outpost.run('account show', '--json', 'test').json
    assert shown['server'] == 'smtp-mail.outlook.com' and shown['port'] == 587, shown
