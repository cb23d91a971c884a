# The command `diskwright` from the archive that scripts/release.mjs makes, which has the compiled files and the packages
# that they need. Nothing is fetched or compiled.
{
  lib,
  makeBinaryWrapper,
  nodejs-slim,
  stdenvNoCC,
  versionCheckHook,
  # The archive, or the folder that is in it.
  release ? ../.,
}:
stdenvNoCC.mkDerivation {
  pname = "diskwright";
  inherit (lib.importJSON (../package.json)) version;
  src = release;

  nativeBuildInputs = [ makeBinaryWrapper ];
  dontConfigure = true;
  dontBuild = true;
  installPhase = ''
    runHook preInstall
    library="$out/lib/node_modules/diskwright"
    mkdir -p "$library"
    cp -r dist node_modules package.json README.md CHANGELOG.md LICENSE "$library"
    makeBinaryWrapper ${lib.getExe nodejs-slim} "$out/bin/diskwright" --add-flags "$library/dist/cli/main.js"
    runHook postInstall
  '';
  # The files run as they are.
  dontFixup = true;

  doInstallCheck = true;
  nativeInstallCheckInputs = [ versionCheckHook ];

  meta = import ./meta.nix { inherit lib; } // {
    # JavaScript, and WebAssembly in it.
    sourceProvenance = [ lib.sourceTypes.binaryBytecode ];
  };
}
