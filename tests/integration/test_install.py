"""make install into a folder: what lands there runs from there."""
import os
import shutil
import subprocess

from messages import message
from outpost import DATAERR, OK, PROGRAM, SOFTWARE
from peers.debian import BUILD


def test_installed_program_runs(tmp_path, outpost, scripted, postfix):
    subprocess.run(['meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet'], check=True, capture_output=True,
                   env={**os.environ, 'DESTDIR': str(tmp_path)})
    found = {os.path.relpath(os.path.join(folder, name), tmp_path)
             for folder, _, names in os.walk(tmp_path) for name in names}
    program = next(path for path in found if path.endswith('bin/outpost'))
    assert any(path.endswith('man/man1/outpost.1') for path in found), found
    dynamic = subprocess.run(['readelf', '-d', tmp_path / program], capture_output=True, text=True, check=True).stdout
    assert 'NEEDED' in dynamic and 'PATH)' not in dynamic      # each start would pay for a run path

    outpost.account_at(scripted, 'tls')
    argv = [str(tmp_path / program), 'send', '--config', outpost.config, '--direct']
    text, needle = message()
    attached = subprocess.run(argv + ['-s', needle.decode(), '-A', __file__, 'a@x.test'], input=b'hello\n',
                              capture_output=True, env=outpost.environment)
    assert attached.returncode == OK, attached      # composing wants the module beside it
    assert scripted.await_messages(needle)

    outpost.account_at(postfix, 'tls', mechanisms='scram-sha-256')
    text, needle = message()
    computed = subprocess.run(argv + ['--raw', 'a@x.test'], input=text, capture_output=True, env=outpost.environment)
    assert computed.returncode == OK and postfix.await_messages(needle), computed
    foreign = subprocess.run(argv + ['--raw', '--dry-run', 'a@b\u00fccher.test'], input=text, capture_output=True,
                             env=outpost.environment)
    assert foreign.returncode == OK and b'xn--bcher-kva.test' in foreign.stdout, foreign


def test_what_is_not_installed_is_named(tmp_path, outpost, postfix):
    program = shutil.copy(PROGRAM, tmp_path / 'alone')
    outpost.account_at(postfix, 'tls', mechanisms='scram-sha-256')
    words = ['send', '--config', outpost.config, '--direct', '--raw']
    sign_in = subprocess.run([program, *words, 'a@x.test'], input=message()[0], capture_output=True,
                             env=outpost.environment)
    assert sign_in.returncode == SOFTWARE and b"outpost-sasl.so can't be loaded" in sign_in.stderr, sign_in
    foreign = subprocess.run([program, *words, 'a@b\u00fccher.test'], input=message()[0], capture_output=True,
                             env=outpost.environment)
    assert foreign.returncode == DATAERR and b'not installed' in foreign.stderr, foreign
