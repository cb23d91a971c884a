#!/bin/bash
# Sourced by the scripts that need packages of another suite or architecture than the machine's.
#
# Apt gets a configuration, lists and caches of its own. Where packages come from, and how to get there (proxies,
# keys, credentials), is copied from the machine; the machine's own apt state is neither used nor changed.

# private_apt_setup DIRECTORY ARCHITECTURE SUITE...
# Writes the configuration as private_apt_configure does, and downloads the lists.
private_apt_setup() {
  private_apt_configure "$@"
  # The lists are new, and a proxy must not answer with old ones: they name packages that are gone from the archive.
  # One unreachable source among several is no reason to stop: the caller reports what it cannot get.
  apt-get update -qq -o Acquire::http::No-Cache=true -o Acquire::https::No-Cache=true || true
}

# private_apt_configure DIRECTORY ARCHITECTURE SUITE...
# Sets APT_CONFIG. SUITE is a suffix of the machine's release, '' or '-backports', or another
# release by its name. With PRIVATE_APT_SOURCES=1 the lists of source packages come too.
private_apt_configure() {
  local directory=$1 architecture=$2
  shift 2
  local codename suites suffix
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  [ -n "$codename" ] || { echo "private-apt: /etc/os-release names no release" >&2; return 1; }
  suites=""
  for suffix in "$@"; do
    case "$suffix" in
      '' | -*) suites="$suites $codename$suffix" ;;
      *) suites="$suites $suffix" ;;
    esac
  done

  mkdir -p "$directory"/etc/{apt.conf.d,preferences.d,sources.list.d} \
    "$directory"/state/lists/partial "$directory"/cache/archives/partial
  : > "$directory/status"
  {
    apt-config dump | grep '^Acquire::' || true
    cat << CONFIGURATION
Acquire::Languages "none";
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Sandbox::User "root";
Dir::Etc "$directory/etc";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$directory/etc/sources.list.d";
Dir::Etc::netrc "/etc/apt/auth.conf";
Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
Dir::Etc::trusted "/etc/apt/trusted.gpg";
Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d";
Dir::State "$directory/state";
Dir::State::status "$directory/status";
Dir::Cache "$directory/cache";
CONFIGURATION
  } > "$directory/apt.conf"

  # Debian's own archive is the source that has the release itself with the component main.
  local file name
  rm -f "$directory"/etc/sources.list.d/*
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -e "$file" ] || continue
    name=$(basename "$file")
    awk -v codename="$codename" -v suites="$suites" -v sources="${PRIVATE_APT_SOURCES:-}" '
      BEGIN { RS = ""; ORS = "\n\n" }
      $0 ~ "(^|\n)Suites:([^\n]* )?" codename "( [^\n]*)?(\n|$)" && /(^|\n)Components:[^\n]*main/ {
        sub(/Suites:[^\n]*/, "Suites:" suites)
        if (sources) sub(/(^|\n)Types:[^\n]*/, "\nTypes: deb deb-src")
        print
      }' "$file" > "$directory/etc/sources.list.d/$name"
  done
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -e "$file" ] || continue
    name=$(basename "$file" .list).list
    awk -v codename="$codename" -v suites="$suites" -v sources="${PRIVATE_APT_SOURCES:-}" '
      /^deb[ \t]/ && $0 ~ "[ \t]" codename "[ \t]+([^#]*[ \t])?main" {
        count = split(suites, each, " ")
        for (i = 1; i <= count; i++) {
          line = $0
          sub("[ \t]" codename "[ \t]", " " each[i] " ", line)
          print line
          if (sources && sub(/^deb/, "deb-src", line)) print line
        }
      }' "$file" > "$directory/etc/sources.list.d/$name"
  done

  # Sources of packages, when they are asked for.
  if [ "${PRIVATE_APT_SOURCES:-}" = 1 ]; then
    for file in "$directory"/etc/sources.list.d/*.sources; do
      [ ! -e "$file" ] || sed -i -E 's/^Types:.*/Types: deb deb-src/' "$file"
    done
    for file in "$directory"/etc/sources.list.d/*.list; do
      [ ! -e "$file" ] || sed -i -E '/^deb[ \t]/{p;s/^deb/deb-src/}' "$file"
    done
  fi

  export APT_CONFIG="$directory/apt.conf"
}
