"""Does to a mounted BTRFS file system what programs do to one.

usage: populate.py DIRECTORY SUBJECT...

What it writes is the same in every run, times and inode numbers aside.
"""

import ctypes
import fcntl
import os
import random
import socket
import stat
import struct
import subprocess
import sys

FICLONE = 0x40049409
FICLONERANGE = 0x4020940D
FS_IOC_SETFLAGS = 0x40086602
NOCOW, NODUMP, SYNC, NOATIME, IMMUTABLE, APPEND = 0x00800000, 0x40, 0x08, 0x80, 0x10, 0x20
KEEP_SIZE, PUNCH_HOLE = 1, 2
KIB = 1024

chance = random.Random(1)
libc = ctypes.CDLL(None, use_errno=True)


def noise(length):
    return chance.randbytes(length)


def text(length):
    line = b"line %d, as good as any other\n" % chance.randrange(10**6)
    return (line * (length // len(line) + 1))[:length]


def write(path, content, sync=False):
    with open(path, "wb") as file:
        file.write(content)
        if sync:
            file.flush()
            os.fsync(file.fileno())


def fallocate(path, mode, offset, length):
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if libc.fallocate(fd, mode, ctypes.c_long(offset), ctypes.c_long(length)) != 0:
            raise OSError(ctypes.get_errno(), "fallocate")
    finally:
        os.close(fd)


def set_flags(path, flags):
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, FS_IOC_SETFLAGS, struct.pack("i", flags))
    finally:
        os.close(fd)


def clone(source, target, offset=0, length=0, to=0):
    with open(source, "rb") as a, open(target, "r+b" if os.path.exists(target) else "wb") as b:
        fcntl.ioctl(b.fileno(), FICLONERANGE, struct.pack("qQQQ", a.fileno(), offset, length, to))


def files(top):
    """Files of all sizes, that compress well, badly, and in part."""
    os.mkdir(top + "/files")
    sizes = (0, 1, 100, 2047, 2048, 2049, 4095, 4096, 4097, 8192, 10000, 131071, 131072, 131073, 300001)
    for size in sizes:
        write(f"{top}/files/text-{size}", text(size))
        write(f"{top}/files/noise-{size}", noise(size))
        write(f"{top}/files/zeros-{size}", bytes(size))
    write(top + "/files/mixed", text(200000) + noise(200000) + bytes(200000) + text(5))
    write(top + "/files/large", text(3000000) + noise(1500000))


def overwritten(top):
    """Files that were changed after they had their extents."""
    os.mkdir(top + "/overwritten")
    for name, content in (("text", text(700000)), ("noise", noise(700000))):
        path = f"{top}/overwritten/{name}"
        write(path, content, sync=True)
        with open(path, "r+b") as file:
            for _ in range(40):
                file.seek(chance.randrange(700000))
                file.write(chance.choice((noise, text))(chance.choice((1, 100, 4096, 20000))))
                file.flush()
                os.fsync(file.fileno())
    # An inline extent, then more behind it, or less of it.
    for name, first, size in (("grown", 100, 300000), ("shrunk", 2000, 700), ("regrown", 2000, 0)):
        path = f"{top}/overwritten/{name}"
        write(path, text(first), sync=True)
        os.truncate(path, size)
        os.sync()
    os.truncate(top + "/overwritten/regrown", 9000)
    with open(top + "/overwritten/grown", "r+b") as file:
        file.seek(200000)
        file.write(text(1000))
    for size in (1, 5000, 131072, 200000):
        path = f"{top}/overwritten/truncated-{size}"
        write(path, text(300000), sync=True)
        os.truncate(path, size)
        os.sync()
    path = top + "/overwritten/appended"
    for _ in range(30):
        with open(path, "ab") as file:
            file.write(text(777))
            file.flush()
            os.fsync(file.fileno())


def holes(top):
    """Sparse files, preallocated ones, and punched holes."""
    os.mkdir(top + "/holes")
    for size in (5000, 2**40):
        path = f"{top}/holes/only-{size}"
        write(path, b"")
        os.truncate(path, size)
    with open(top + "/holes/sparse", "wb") as file:
        for place in (0, 100000, 8192 * 100, 3 * 10**6):
            file.seek(place)
            file.write(text(6000))
    with open(top + "/holes/far", "wb") as file:
        file.seek(2**33)
        file.write(b"far away")
    write(top + "/holes/punched", text(500000), sync=True)
    fallocate(top + "/holes/punched", PUNCH_HOLE | KEEP_SIZE, 40960, 200000)
    fallocate(top + "/holes/punched", PUNCH_HOLE | KEEP_SIZE, 400000, 50)
    fallocate(top + "/holes/preallocated", 0, 0, 600000)
    with open(top + "/holes/preallocated", "r+b") as file:
        file.seek(100000)
        file.write(text(50000))
    write(top + "/holes/kept", text(5000))
    fallocate(top + "/holes/kept", KEEP_SIZE, 0, 300000)


def kinds(top):
    """Entries of every type, names, modes, times, links, attributes, flags."""
    at = lambda name: f"{top}/kinds/{name}"
    os.mkdir(at(""))
    os.mkdir(at("empty"))
    os.symlink("../nowhere", at("link"))
    os.symlink("l" * 3900, at("long link"))
    os.mkfifo(at("fifo"))
    for name, major, minor in (("null", 1, 3), ("large", 4095, 2**20 - 1), ("tty", 5, 1)):
        os.mknod(at(name), 0o600 | stat.S_IFCHR, os.makedev(major, minor))
    os.mknod(at("disk"), 0o660 | stat.S_IFBLK, os.makedev(259, 70000))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(at("socket")) if len(at("socket")) < 100 else os.mknod(at("socket"), 0o755 | stat.S_IFSOCK)
    for mode in (0o0, 0o4755, 0o2755, 0o1777, 0o7777):
        write(at(f"mode-{mode:o}"), b"mode")
        os.chown(at(f"mode-{mode:o}"), mode, 2**32 - 2)
        os.chmod(at(f"mode-{mode:o}"), mode)
    for seconds in (0, -1, -(2**33), 2**33, 253402300799):
        write(at(f"time-{seconds}"), b"")
        os.utime(at(f"time-{seconds}"), ns=(seconds * 10**9 + 5, seconds * 10**9 + 999999999))
    names = [b"\xff\xfe", "größe".encode(), b"with space", b"new\nline", b"n" * 255, b"-", b"\x01", b"..."]
    for name in names:
        write(os.fsencode(at("")) + name, name)
    write(at("linked"), b"linked")
    for i in range(150):
        os.link(at("linked"), at(f"link {i} {'x' * 200}"))
    write(at("attributes"), b"attributes")
    for i in range(40):
        os.setxattr(at("attributes"), f"user.{i}", noise(i * 5))
    os.setxattr(at("attributes"), "user.large", noise(3000))
    os.setxattr(at("attributes"), "user.empty", b"")
    os.setxattr(at("attributes"), b"user.\xff\xfe", b"name")
    os.setxattr(at("attributes"), "trusted.a", b"a")
    os.setxattr(at("attributes"), "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
    os.setxattr(at("empty"), "user.directory", b"d")
    os.setxattr(at("link"), "trusted.link", b"l", follow_symlinks=False)
    # user::rw-, user:1000:rwx, group::r--, mask::rwx, other::r--
    acl = b"\x02\0\0\0" + b"".join(
        struct.pack("<HHI", tag, perm, who)
        for tag, perm, who in ((1, 6, 2**32 - 1), (2, 7, 1000), (4, 4, 2**32 - 1), (16, 7, 2**32 - 1), (32, 4, 2**32 - 1))
    )
    write(at("acl"), b"acl")
    os.setxattr(at("acl"), "system.posix_acl_access", acl)
    os.setxattr(at("empty"), "system.posix_acl_default", acl)
    flags = {"nodump": NODUMP, "sync": SYNC, "noatime": NOATIME, "immutable": IMMUTABLE, "append": APPEND, "nocow": NOCOW}
    for name, flag in flags.items():
        write(at("flag " + name), b"")
        set_flags(at("flag " + name), flag)
    write(at("flag nocow"), text(200000))
    for name in ("compressed-zlib", "compressed-zstd", "compressed-lzo"):
        write(at(name), b"")
        os.setxattr(at(name), "btrfs.compression", name.split("-")[1].encode())
        write(at(name), text(400000))


def many(top):
    """Directories with more entries than a leaf holds, some deleted again."""
    os.mkdir(top + "/many")
    for i in range(3000):
        write(f"{top}/many/{i}", text(i % 300))
    for i in range(0, 3000, 3):
        os.unlink(f"{top}/many/{i}")
    path = top
    for i in range(60):
        path += f"/deep{i}"
        os.mkdir(path)
    write(path + "/end", b"end")


def reflinks(top):
    """Clones of whole files and of parts."""
    os.mkdir(top + "/reflinks")
    at = lambda name: f"{top}/reflinks/{name}"
    write(at("text"), text(500000), sync=True)
    write(at("noise"), noise(500000), sync=True)
    for name in ("text", "noise"):
        clone(at(name), at(name + "-whole"))
        clone(at(name), at(name + "-part"), 65536, 40960)
        clone(at(name), at(name + "-part"), 131072 - 4096, 12288, 200 * KIB)
        clone(at(name), at(name + "-part"), 480 * KIB, 0, 400 * KIB)
        clone(at(name), at(name), 0, 8192, 262144)
        with open(at(name + "-whole"), "r+b") as file:
            file.seek(70000)
            file.write(noise(10))
    os.unlink(at("noise"))


def small_extents(top):
    """Many extents in one file."""
    os.mkdir(top + "/small")
    path = top + "/small/file"
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    for i in range(400):
        os.pwrite(fd, text(4096), (i * 7 % 400) * 4096)
        os.fsync(fd)
    os.close(fd)


def deleted(top):
    """What is gone, one file of it still open when the file system is left."""
    for i in range(50):
        write(f"{top}/deleted-{i}", text(10000))
    os.sync()
    for i in range(50):
        os.unlink(f"{top}/deleted-{i}")


def swap(top):
    """A swap file."""
    path = top + "/swap"
    write(path, b"")
    set_flags(path, NOCOW)
    fallocate(path, 0, 0, 1 << 20)
    os.chmod(path, 0o600)
    subprocess.run(["mkswap", path], check=True, stdout=subprocess.DEVNULL)


def logged(top):
    """What is synced file by file, without a commit: in the log alone."""
    for i in range(20):
        write(f"{top}/logged-{i}", text(5000 * i + 10), sync=True)
    write(f"{top}/files/text-10000", b"changed", sync=True)


SUBJECTS = {
    f.__name__: f
    for f in (files, overwritten, holes, kinds, many, reflinks, small_extents, deleted, swap, logged)
}

os.umask(0o022)
for subject in sys.argv[2:]:
    SUBJECTS[subject](sys.argv[1])
