"""Describes every entry below a directory, one JSON object a line, for the judges to compare.

usage: walk.py DIRECTORY

Bytes (names, targets, attribute names and values) are written as text with one character a byte. Directories that
are roots of other BTRFS subvolumes (inode 256) are named as such and not entered.
"""

import fcntl
import hashlib
import json
import os
import stat
import struct
import sys

FS_IOC_GETFLAGS = 0x80086601
FS_NOCOW_FL = 0x00800000
# (FS_APPEND_FL and so on)
FLAGS = {"append": 0x20, "immutable": 0x10, "noatime": 0x80, "nodump": 0x40, "sync": 0x08}
SUBVOLUME_ROOT = 256
PIECE = 1 << 20
# Longer ones are all holes, whose zeros would take hours; who makes such files looks at them himself.
LONGEST_HASHED = 1 << 32

TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "block",
    stat.S_IFCHR: "character",
}


def text(data):
    return data.decode("latin-1")


def inode_flags(fd):
    try:
        return struct.unpack("Q", fcntl.ioctl(fd, FS_IOC_GETFLAGS, b"\0" * 8))[0]
    except OSError:
        return 0


def named_flags(fd):
    flags = inode_flags(fd)
    return bool(flags & FS_NOCOW_FL), [name for name, flag in FLAGS.items() if flags & flag]


def sha256(fd):
    if os.fstat(fd).st_size > LONGEST_HASHED:
        return None
    digest = hashlib.sha256()
    while piece := os.read(fd, PIECE):
        digest.update(piece)
    return digest.hexdigest()


def xattrs(path):
    names = os.listxattr(path, follow_symlinks=False)
    return sorted((text(os.fsencode(name)), text(os.getxattr(path, name, follow_symlinks=False))) for name in names)


def describe(path, below, status, known):
    kind = TYPES[stat.S_IFMT(status.st_mode)]
    entry = {
        "path": text(below),
        "type": kind,
        "mode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
        "mtime": divmod(status.st_mtime_ns, 10**9),
        "atime": divmod(status.st_atime_ns, 10**9),
        "ctime": divmod(status.st_ctime_ns, 10**9),
        "ino": status.st_ino,
        "nlink": status.st_nlink,
    }
    attributes = xattrs(path)
    if attributes:
        entry["xattrs"] = attributes
    if kind == "file":
        entry["size"] = status.st_size
        seen = known.get(status.st_ino)
        if seen is None:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                seen = (sha256(fd), *named_flags(fd))
            finally:
                os.close(fd)
            if status.st_nlink > 1:
                known[status.st_ino] = seen
        entry["sha256"], entry["nodatacow"], entry["flags"] = seen
    elif kind == "directory":
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            entry["nodatacow"], entry["flags"] = named_flags(fd)
        finally:
            os.close(fd)
    elif kind == "symlink":
        entry["size"] = status.st_size
        entry["target"] = text(os.readlink(path))
    elif kind in ("block", "character"):
        entry["major"] = os.major(status.st_rdev)
        entry["minor"] = os.minor(status.st_rdev)
    return entry


def main():
    root = os.fsencode(sys.argv[1])
    on_btrfs = os.lstat(root).st_ino == SUBVOLUME_ROOT
    known = {}
    write = sys.stdout.write
    pending = [(root, b"")]
    while pending:
        path, below = pending.pop()
        status = os.lstat(path)
        if on_btrfs and below and status.st_ino == SUBVOLUME_ROOT:
            write(json.dumps({"path": text(below), "type": "subvolume"}) + "\n")
            continue
        write(json.dumps(describe(path, below, status, known)) + "\n")
        if stat.S_ISDIR(status.st_mode):
            for name in os.listdir(path):
                pending.append((path + b"/" + name, below + b"/" + name if below else name))


main()
