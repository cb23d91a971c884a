# As much of Nixpkgs' `lib` as nix/ uses, with the same meaning.
let
  inherit (builtins)
    attrNames
    concatLists
    elem
    filter
    foldl'
    head
    isAttrs
    length
    map
    mapAttrs
    tail
    ;
  modules = import ./modules.nix { inherit lib; };
  lib = {
    inherit (builtins)
      attrNames
      attrValues
      compareVersions
      concatMap
      elem
      filter
      head
      length
      listToAttrs
      mapAttrs
      sort
      ;
    inherit (modules)
      evalModules
      mkChangedOptionModule
      mkDefault
      mkEnableOption
      mkForce
      mkIf
      mkMerge
      mkOption
      types
      ;
    attrVals = names: set: map (name: set.${name}) names;
    cleanSource = path: path;
    concatStrings = builtins.concatStringsSep "";
    concatStringsSep = builtins.concatStringsSep;
    filterAttrs =
      keep: set:
      builtins.listToAttrs (
        concatLists (
          map (
            name:
            if keep name set.${name} then
              [
                {
                  inherit name;
                  value = set.${name};
                }
              ]
            else
              [ ]
          ) (attrNames set)
        )
      );
    fileset = {
      unions = files: files;
      toSource = { root, fileset }: 
        assert builtins.all builtins.pathExists fileset;
        root;
    };
    genAttrs =
      names: f:
      builtins.listToAttrs (
        map (name: {
          inherit name;
          value = f name;
        }) names
      );
    getExe = package: "${package}/bin/${package.meta.mainProgram or package.name}";
    getVersion = package: package.version;
    hasInfix = part: text: builtins.length (lib.splitString part text) > 1;
    importJSON = file: builtins.fromJSON (builtins.readFile file);
    last = list: builtins.elemAt list (length list - 1);
    escapeShellArg = text: "'${builtins.replaceStrings [ "'" ] [ "'\\''" ] text}'";
    fetchers.proxyImpureEnvVars = [ "https_proxy" ];
    licenses.mit = {
      spdxId = "MIT";
    };
    platforms.unix = [ "x86_64-linux" ];
    sourceTypes = {
      binaryBytecode.isSource = false;
      binaryNativeCode.isSource = false;
      fromSource.isSource = true;
    };
    strings.sanitizeDerivationName =
      name: builtins.concatStringsSep "-" (filter builtins.isString (builtins.split "[^A-Za-z0-9+._?=-]+" name));
    literalExpression = text: text;
    mapAttrs' = f: set: builtins.listToAttrs (map (name: f name set.${name}) (attrNames set));
    mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
    nameValuePair = name: value: { inherit name value; };
    optional = condition: value: if condition then [ value ] else [ ];
    optionalAttrs = condition: set: if condition then set else { };
    optionalString = condition: text: if condition then text else "";
    optionals = condition: list: if condition then list else [ ];
    recursiveUpdate =
      a: b:
      if isAttrs a && isAttrs b && !(a ? _type) then
        a // mapAttrs (name: value: if a ? ${name} then lib.recursiveUpdate a.${name} value else value) b
      else
        b;
    singleton = value: [ value ];
    splitString = separator: text: filter builtins.isString (builtins.split separator text);
    throwIfNot = condition: message: value: if condition then value else throw message;
    toList = value: if builtins.isList value then value else [ value ];
    trivial.release = "26.05";
    unique = foldl' (kept: value: if elem value kept then kept else kept ++ [ value ]) [ ];
    versionAtLeast = a: b: !lib.versionOlder a b;
    versionOlder = a: b: builtins.compareVersions a b < 0;
  };
in
lib
