"""make install into a folder: what lands there runs from there."""
import os
import subprocess

from messages import message
from outpost import OK
from peers.debian import BUILD


def test_installed_program_runs(tmp_path, outpost, scripted):
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
