# A system's closure as a file, for `diskwright build --closure`. Neither root nor a virtual machine makes it, and
# the same closure gives the same bytes. The image derivation does without: it reads the stream.
{
  runCommand,
  streamClosure,
  zstd,
}:
{
  toplevel,
  extraPaths ? [ ],
  name ? "nixos-closure",
  compressionLevel ? 3,
}:
runCommand "${name}.tar.zst"
  {
    nativeBuildInputs = [ zstd ];
    stream = streamClosure { rootPaths = [ toplevel ] ++ extraPaths; };
  }
  # One thread: with more, the bytes would be others.
  ''
    set -o pipefail
    $stream | zstd --quiet -${toString compressionLevel} -T1 -o "$out"
  ''
