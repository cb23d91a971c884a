"""Changes a tree on a mounted BTRFS file system at random, as programs do over time.

usage: mutate-tree.py DIRECTORY SEED STEPS

The same seed and tree give the same changes, times aside.
"""

import ctypes
import fcntl
import os
import random
import stat
import struct
import sys

FICLONERANGE = 0x4020940D
KEEP_SIZE, PUNCH_HOLE = 1, 2
SECTOR = 4096
NAMES = ["a", "b", "c", "d", "e", "data", "log.1", "log.2", "caf\u00e9", "x" * 60]

root, seed, steps = os.fsencode(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
chance = random.Random(seed)
libc = ctypes.CDLL(None, use_errno=True)


def tree():
    directories, others = [root], []
    for path, names, files in os.walk(root):
        for name in sorted(names + files):
            below = os.path.join(path, name)
            (directories if stat.S_ISDIR(os.lstat(below).st_mode) else others).append(below)
    return sorted(directories), sorted(others)


def is_file(path):
    return stat.S_ISREG(os.lstat(path).st_mode)


def content(length):
    kind = chance.randrange(4)
    if kind == 0:
        return chance.randbytes(length)
    if kind == 1:
        return bytes(length)
    line = b"line %d, as good as any other\n" % chance.randrange(10**6)
    return (line * (length // len(line) + 1))[:length]


def length():
    return chance.choice([0, 1, 100, 2000, 4096, 5000, 16384, 70000, 131072, 200000, 400000])


def free(directories):
    for _ in range(20):
        path = os.path.join(chance.choice(directories), os.fsencode(chance.choice(NAMES)))
        if not os.path.lexists(path):
            return path
    return None


def clone(source, target, source_offset, size, target_offset):
    with open(source, "rb") as a, open(target, "r+b") as b:
        argument = struct.pack("qQQQ", a.fileno(), source_offset, size, target_offset)
        try:
            fcntl.ioctl(b.fileno(), FICLONERANGE, argument)
        except OSError:
            pass


def fallocate(path, mode, offset, size):
    fd = os.open(path, os.O_RDWR)
    try:
        libc.fallocate(fd, mode, ctypes.c_long(offset), ctypes.c_long(size))
    finally:
        os.close(fd)


def within(directory, other):
    return directory == other or directory.startswith(other + b"/")


def step():
    directories, others = tree()
    files = [path for path in others if is_file(path)]
    some = chance.choice(directories[1:] + others) if len(directories) + len(others) > 1 else root
    new = free(directories)
    action = chance.randrange(22)
    if action <= 2 and new:
        with open(new, "wb") as file:
            file.write(content(length()))
    elif action == 3 and new:
        os.mkdir(new)
    elif action == 4 and new:
        chance.choice(
            [
                lambda: os.mkfifo(new, 0o640),
                lambda: os.mknod(new, stat.S_IFSOCK | 0o600),
                lambda: os.mknod(new, stat.S_IFCHR | 0o620, os.makedev(260, 70000)),
                lambda: os.mknod(new, stat.S_IFBLK | 0o660, os.makedev(8, 1)),
                lambda: os.symlink(b"../" + b"t" * chance.randrange(1, 300), new),
            ]
        )()
    elif action <= 6 and new and some != root:
        if not within(new, some):
            os.rename(some, new)
    elif action == 7 and others:
        # In the place of another one.
        target = chance.choice(others)
        source = chance.choice(others)
        os.rename(source, target)
    elif action == 8 and len(others) > 1:
        # Two change places.
        a, b = chance.sample(others, 2)
        spare = os.path.join(root, b"spare")
        os.rename(a, spare)
        os.rename(b, a)
        os.rename(spare, b)
    elif action == 9 and len(directories) > 2:
        # Two directories change places, unless one lies in the other.
        a, b = chance.sample(directories[1:], 2)
        if not within(a, b) and not within(b, a):
            spare = os.path.join(root, b"spare")
            os.rename(a, spare)
            os.rename(b, a)
            os.rename(spare, b)
        elif within(b, a):
            # The inner one becomes the outer one.
            spare = os.path.join(root, b"spare")
            os.rename(b, spare)
            os.rename(a, free([spare]) or os.path.join(spare, b"inner"))
            os.rename(spare, a)
    elif action == 10 and files and new:
        os.link(chance.choice(files), new)
    elif action == 11 and others:
        os.unlink(chance.choice(others))
    elif action == 12 and len(directories) > 1:
        empty = [path for path in directories[1:] if not os.listdir(path)]
        if empty:
            os.rmdir(chance.choice(empty))
    elif action == 13:
        name = "user." + chance.choice(["a", "b", "long" * 20])
        try:
            if chance.random() < 0.3:
                os.removexattr(some, name, follow_symlinks=False)
            else:
                os.setxattr(some, name, content(chance.choice([0, 5, 300])), follow_symlinks=False)
        except OSError:
            pass
    elif action == 14:
        if not stat.S_ISLNK(os.lstat(some).st_mode):
            os.chmod(some, chance.choice([0o644, 0o755, 0o4755, 0o2750, 0o1777, 0o600]))
    elif action == 15:
        os.chown(some, chance.randrange(3) * 1000, chance.randrange(3) * 100, follow_symlinks=False)
    elif action == 16:
        os.utime(some, ns=(chance.randrange(10**18), chance.randrange(10**18)), follow_symlinks=False)
    elif files:
        path = chance.choice(files)
        size = os.lstat(path).st_size
        at = chance.randrange(size + 1)
        if action == 17:
            with open(path, "r+b") as file:
                file.seek(at)
                file.write(content(length()))
        elif action == 18:
            os.truncate(path, chance.choice([0, at, at - at % SECTOR, size + 100, size + 300000]))
        elif action == 19:
            fallocate(path, PUNCH_HOLE | KEEP_SIZE, at - at % SECTOR, chance.choice([SECTOR, 65536, 131072]))
        elif action == 20:
            source = chance.choice(files)
            start = chance.randrange(os.lstat(source).st_size + 1)
            whole = chance.choice([0, SECTOR, 65536, 131072])
            clone(source, path, start - start % SECTOR, whole, at - at % SECTOR)
        elif action == 21:
            fallocate(path, 0, size, chance.choice([SECTOR, 200000]))


for _ in range(steps):
    step()
    if chance.random() < 0.1:
        os.sync()
