# A package of npm as its tarball, by name, version and the hash that package-lock.json has. npm knows where packages
# are: by itself, or from NPM_CONFIG_REGISTRY in the environment of the Nix daemon. Whatever it answers, the hash
# decides what is taken, so that evaluation and result stay pure.
{
  lib,
  cacert,
  nodejs,
  stdenvNoCC,
}:
{
  name,
  version,
  integrity,
}:
stdenvNoCC.mkDerivation {
  # npm takes a file for an archive by the end of its name.
  name = "${lib.strings.sanitizeDerivationName name}-${version}.tgz";
  outputHash = integrity;
  outputHashAlgo = null;
  outputHashMode = "flat";

  nativeBuildInputs = [ nodejs ];
  impureEnvVars = lib.fetchers.proxyImpureEnvVars ++ [ "NPM_CONFIG_REGISTRY" ];
  SSL_CERT_FILE = "${cacert}/etc/ssl/certs/ca-bundle.crt";
  NODE_EXTRA_CA_CERTS = "${cacert}/etc/ssl/certs/ca-bundle.crt";
  buildCommand = ''
    export HOME=$PWD
    mkdir tarball
    npm pack --ignore-scripts --no-progress --no-update-notifier --pack-destination tarball ${lib.escapeShellArg "${name}@${version}"}
    mv tarball/*.tgz "$out"
  '';

  # Whoever fetches it needs the network alone.
  preferLocalBuild = true;
}
