"""Lists or makes a tar archive with Python's tarfile, in the form that tar-peers.test.ts compares. Bytes are hexadecimal."""
import io, json, math, sys, tarfile
from decimal import Decimal

TYPES = {
    'file': tarfile.REGTYPE, 'directory': tarfile.DIRTYPE, 'symlink': tarfile.SYMTYPE, 'hardlink': tarfile.LNKTYPE,
    'fifo': tarfile.FIFOTYPE, 'block': tarfile.BLKTYPE, 'character': tarfile.CHRTYPE,
}
NAMES = {value: key for key, value in TYPES.items()}
NAMES[tarfile.GNUTYPE_SPARSE] = 'file'
TEXT = {'encoding': 'utf-8', 'errors': 'surrogateescape'}


def to_hex(text):
    return text.encode(**TEXT).hex()


def from_hex(digits):
    return bytes.fromhex(digits).decode(**TEXT)


def describe(archive, member):
    time = Decimal(member.pax_headers.get('mtime', str(int(member.mtime))))
    sec = math.floor(time)
    entry = {
        'path': to_hex(member.name), 'type': NAMES[member.type], 'mode': member.mode, 'uid': member.uid,
        'gid': member.gid, 'mtime': {'sec': sec, 'nsec': int((time - sec) * 1000000000)},
    }
    prefix = 'SCHILY.xattr.'
    xattrs = [
        [to_hex(key[len(prefix):].replace('%3D', '=').replace('%25', '%')), to_hex(value)]
        for key, value in member.pax_headers.items() if key.startswith(prefix)
    ]
    if xattrs:
        entry['xattrs'] = xattrs
    if member.isreg():
        entry['content'] = archive.extractfile(member).read().hex()
    if member.issym() or member.islnk():
        entry['target'] = to_hex(member.linkname)
    if member.isdev() and not member.isfifo():
        entry['major'], entry['minor'] = int(member.pax_headers.get('SCHILY.devmajor', member.devmajor)), int(
            member.pax_headers.get('SCHILY.devminor', member.devminor))
    return entry


if sys.argv[1] == 'list':
    with tarfile.open(sys.argv[2], **TEXT) as archive:
        print(json.dumps([describe(archive, member) for member in archive]))
else:
    format = {'pax': tarfile.PAX_FORMAT, 'gnu': tarfile.GNU_FORMAT}[sys.argv[3]]
    with tarfile.open(sys.argv[2], 'w', format=format, **TEXT) as archive:
        for entry in json.load(sys.stdin):
            member = tarfile.TarInfo(from_hex(entry['path']))
            member.type = TYPES[entry['type']]
            for field in ('mode', 'uid', 'gid'):
                setattr(member, field, entry[field])
            member.mtime = entry['mtime']['sec']
            member.linkname = from_hex(entry.get('target', ''))
            member.devmajor, member.devminor = entry.get('major', 0), entry.get('minor', 0)
            content = bytes.fromhex(entry.get('content', ''))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
