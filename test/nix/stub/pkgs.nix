# As much of Nixpkgs as nix/ uses. Its packages are derivations for Nix, that take their tools from the machine: with
# those in the sandbox, they can be built.
{
  ubootVersion ? "2025.01",
}:
let
  lib = import ./lib.nix;
  inherit (builtins) concatStringsSep map;
  system = builtins.currentSystem;

  # Runs `script` with what Nixpkgs' standard environment sets for it.
  build =
    {
      name,
      script,
      nativeBuildInputs ? [ ],
      environment ? { },
      meta ? { },
      ...
    }@args:
    derivation (
      {
        inherit name system;
        builder = "/bin/bash";
        args = [
          "-euc"
          ''
            if [ -e .attrs.sh ]; then . ./.attrs.sh; out=''${outputs[out]}; fi
            export out SOURCE_DATE_EPOCH=315532800
            export PATH=${concatStringsSep ":" (map (input: "${input}/bin") nativeBuildInputs ++ [ "/usr/bin:/bin" ])}
            ${script}
            # Keeps bash from becoming the last program. Nix kills a builder that closes its output, and cp, for one,
            # does so before it ends.
            exit 0
          ''
        ];
      }
      // environment
    )
    // {
      inherit meta;
    }
    // args.passthru or { };

  runCommand =
    name: environment: script:
    build {
      inherit name script;
      nativeBuildInputs = environment.nativeBuildInputs or [ ];
      environment = removeAttrs environment [ "nativeBuildInputs" ];
    };
  writeText =
    name: text:
    runCommand name {
      inherit text;
      passAsFile = [ "text" ];
    } ''cp "$textPath" "$out"'';
  writeScript =
    path: name: text:
    runCommand name
      {
        text = "#!/bin/bash\n${text}";
        passAsFile = [ "text" ];
      }
      ''
        mkdir -p "$(dirname "$out${path}")"
        install -m 555 "$textPath" "$out${path}"
      '';
  # A package of the system, of which nothing but the name matters.
  tools =
    name:
    runCommand name { } ''mkdir -p "$out/bin"''
    // {
      meta.mainProgram = name;
    };
  onMachine =
    name:
    runCommand name { } ''mkdir -p "$out/bin"; ln -s /usr/bin/${name} "$out/bin/${name}"''
    // {
      meta.mainProgram = name;
    };

  uboot =
    name:
    let
      make =
        attributes:
        runCommand "${name}-${attributes.version}" { inherit (attributes) extraConfig; } ''
          mkdir "$out"
          echo "${name} $extraConfig" > "$out/u-boot.bin"
        ''
        // {
          inherit (attributes) version extraConfig;
          overrideAttrs = change: make (attributes // change attributes);
        };
    in
    make {
      version = ubootVersion;
      extraConfig = "CONFIG_OF_BOARD=y\n";
    };

  platformOf = system: {
    inherit system;
    isAarch64 = system == "aarch64-linux";
    isx86_64 = system == "x86_64-linux";
  };
  # With what depends on the packages themselves.
  close =
    packages:
    let
      self = packages // {
        callPackage =
          file: given:
          let
            call = import file;
          in
          call (builtins.intersectAttrs (builtins.functionArgs call) self // given);
        # The packages that run where these are built.
        buildPackages = pkgs;
        extend = overlay: close (self // overlay self self);
      };
    in
    self;

  pkgs = close {
    inherit lib runCommand writeText;
    stdenv = {
      hostPlatform = platformOf "x86_64-linux";
      buildPlatform = {
        isMusl = false;
        node = {
          arch = "x64";
          platform = "linux";
        };
      };
    };
    # Of the Nix that evaluates, where images ask for it. Debian's is older than they allow.
    nixVersion = "2.31.0";
    path = ./.;
    # Only the compiler for aarch64 makes the armstub.
    pkgsCross.aarch64-multiplatform = close (pkgs // {
      stdenv = pkgs.stdenv // {
        hostPlatform = platformOf "aarch64-linux";
      };
      raspberrypi-armstubs = runCommand "raspberrypi-armstubs" { } ''
        mkdir "$out"
        echo gic > "$out/armstub8-gic.bin"
      '';
    });
    raspberrypifw = runCommand "raspberrypifw" { } ''
      mkdir -p "$out/share/raspberrypi/boot/overlays"
      cd "$out/share/raspberrypi/boot"
      for file in bootcode.bin start.elf fixup.dat start_cd.elf fixup_cd.dat start4.elf fixup4.dat \
        start4cd.elf fixup4cd.dat bcm2710-rpi-3-b.dtb bcm2711-rpi-4-b.dtb bcm2712-rpi-5-b.dtb kernel8.img; do
        echo "$file" > "$file"
      done
      echo overlay > overlays/x.dtbo
    '';
    stdenvNoCC.mkDerivation =
      {
        name ? "${args.pname}-${args.version}",
        buildCommand ? args.installPhase,
        nativeBuildInputs,
        passthru ? { },
        meta ? { },
        ...
      }@args:
      build {
        inherit name nativeBuildInputs meta;
        passthru = passthru // {
          inherit args;
          inherit (args) version;
        };
        script = buildCommand;
        environment = removeAttrs args [
          "buildCommand"
          "meta"
          "nativeBuildInputs"
          "passthru"
        ];
      };
    writeShellScript = writeScript "";
    writeShellApplication =
      {
        name,
        runtimeInputs,
        text,
      }:
      writeScript "/bin/${name}" name ''
        set -euo pipefail
        export PATH=${concatStringsSep ":" (map (input: "${input}/bin") runtimeInputs)}:$PATH
        ${text}
      ''
      // {
        meta.mainProgram = name;
        inherit text;
      };

    closureInfo =
      { rootPaths }:
      runCommand "closure-info"
        {
          __structuredAttrs = true;
          exportReferencesGraph.closure = rootPaths;
          convert = ''
            const { closure } = JSON.parse(require('fs').readFileSync('.attrs.json', 'utf8'))
            const lines = closure.map((at) =>
              [at.path, at.narHash, at.narSize, "", at.references.length, ...at.references].join('\n'))
            require('fs').writeFileSync(process.argv[1] + '/registration', lines.join('\n') + '\n')
            require('fs').writeFileSync(process.argv[1] + '/store-paths', closure.map((at) => at.path + '\n').join(""))
          '';
        }
        ''
          mkdir "$out"
          /node -e "$convert" "$out"
        '';

    buildNpmPackage =
      args:
      runCommand "${args.pname}-${args.version}" { } ''
        mkdir -p "$out/bin"
        printf '#!/bin/bash\nexec /node /repository/dist/cli/main.js "$@"\n' > "$out/bin/diskwright"
        chmod 555 "$out/bin/diskwright"
      ''
      // {
        inherit args;
        inherit (args) meta version;
      };
    importNpmLock = {
      __functor =
        _:
        { npmRoot, packageSourceOverrides }:
        runCommand "npm-deps" { } ''mkdir "$out"''
        // {
          inherit packageSourceOverrides;
        };
      npmConfigHook = "hook";
    };
    nodejs = tools "node";
    nodejs-slim = tools "node";
    makeBinaryWrapper = tools "makeBinaryWrapper";
    versionCheckHook = tools "version-check-hook";

    gnutar = onMachine "tar";
    zstd = onMachine "zstd";
    cacert = tools "cacert";
    hello = tools "hello";
    nixfmt = tools "nixfmt";
    nixfmt-tree = tools "nixfmt-tree";
    btrfs-progs = tools "btrfs";
    compsize = tools "compsize";
    coreutils = tools "coreutils";
    git = tools "git";
    gitMinimal = onMachine "git";
    libraspberrypi = tools "libraspberrypi";
    nix = tools "nix";
    qemu = tools "qemu";
    util-linux = tools "util-linux";

    raspberrypiWirelessFirmware = tools "firmware";
    raspberrypi-armstubs = throw "the armstub is for arm";
    ubootRaspberryPi3_64bit = uboot "uboot-rpi_3";
    ubootRaspberryPi4_64bit = uboot "uboot-rpi_4";
    ubootRaspberryPiAarch64 = uboot "uboot-rpi_arm64";
  };
in
pkgs
