# A module system in small: options with types, defaults, priorities, conditions. What is defined must be declared.
{ lib }:
let
  inherit (builtins)
    all
    attrNames
    concatLists
    concatMap
    elem
    filter
    foldl'
    head
    isAttrs
    isList
    isString
    length
    map
    mapAttrs
    ;

  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };
  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };

  # What a definition says of an attribute. No condition is looked at here: it may depend on what is defined.
  within =
    name: definition:
    if definition._type or null == "if" then
      map (mkIf definition.condition) (within name definition.content)
    else if definition._type or null == "override" then
      map (mkOverride definition.priority) (within name definition.content)
    else if definition._type or null == "merge" then
      concatMap (within name) definition.contents
    else if definition ? ${name} then
      [ definition.${name} ]
    else
      [ ];

  # Of the definitions of one option those that count.
  resolve =
    definitions:
    let
      flatten =
        priority: definition:
        if definition._type or null == "if" then
          (if definition.condition then flatten priority definition.content else [ ])
        else if definition._type or null == "override" then
          flatten definition.priority definition.content
        else if definition._type or null == "merge" then
          concatMap (flatten priority) definition.contents
        else
          [
            {
              inherit priority;
              value = definition;
            }
          ];
      found = concatMap (flatten 100) definitions;
      first = foldl' (least: { priority, ... }: if priority < least then priority else least) 9999 found;
    in
    map ({ value, ... }: value) (filter ({ priority, ... }: priority == first) found);

  mergeOne =
    what: check: where: values:
    if length values > 1 && !(all (value: value == head values) values) then
      throw "${where}: defined twice"
    else if !(check (head values)) then
      throw "${where}: expected ${what}, found ${builtins.toJSON (head values)}"
    else
      head values;
  simple = what: check: {
    inherit check;
    merge = mergeOne what check;
  };

  types = rec {
    anything = {
      check = _: true;
      merge =
        where: values:
        if isAttrs (head values) && !(head values ? outPath) then
          (attrsOf anything).merge where values
        else if isList (head values) then
          concatLists values
        else
          mergeOne "a value" (_: true) where values;
    };
    bool = simple "a boolean" builtins.isBool;
    deferredModule = {
      check = _: true;
      merge = _: values: { imports = values; };
    };
    package = simple "a package" (value: isAttrs value && value ? outPath);
    raw = anything;
    str = simple "a text" isString;
    singleLineStr = strMatching "[^\n]*";
    nonEmptyStr = strMatching ".+";
    path = simple "a path" (value: builtins.isPath value || (isString value && builtins.match "/.*" value != null));
    strMatching = pattern: simple "a text like ${pattern}" (value: isString value && builtins.match pattern value != null);
    int = simple "a number" builtins.isInt;
    enum = values: simple "one of ${builtins.toJSON values}" (value: elem value values);
    nullOr = type: {
      check = value: value == null || type.check value;
      merge = where: values: if head values == null then null else type.merge where values;
    };
    listOf = type: {
      check = value: isList value && all type.check value;
      merge = where: values: map (value: type.merge where [ value ]) (concatLists values);
    };
    nonEmptyListOf = type: {
      check = value: (listOf type).check value && value != [ ];
      merge =
        where: values:
        let
          merged = (listOf type).merge where values;
        in
        if merged == [ ] then throw "${where}: expected a list that is not empty" else merged;
    };
    attrsOf = type: {
      check = isAttrs;
      merge =
        where: values:
        let
          names = lib.unique (concatMap attrNames values);
          present = filter (name: resolve (concatMap (within name) values) != [ ]) names;
        in
        lib.genAttrs present (
          name: type.merge "${where}.${name}" (resolve (concatMap (within name) values))
        );
    };
    coercedTo = from: coerce: to: {
      check = value: from.check value || to.check value;
      merge = where: values: to.merge where (map (value: if from.check value then coerce value else value) values);
    };
  };

  evalModules =
    { modules, specialArgs }:
    let
      # A module is known by its key, or else by its file, and counts once.
      load =
        key: module:
        let
          isFile = builtins.isPath module;
          content = if isFile then import module else module;
          value =
            if builtins.isFunction content then
              content (specialArgs // { inherit lib config options; })
            else
              content;
        in
        {
          key = value.key or (if isFile then toString module else key);
          inherit value;
        };
      loadAll = key: builtins.genList (i: load "${key}:${toString i}" (builtins.elemAt modules i)) (length modules);
      loadImports =
        { key, value }:
        let
          imports = value.imports or [ ];
        in
        builtins.genList (i: load "${key}:${toString i}" (builtins.elemAt imports i)) (length imports);
      loaded = map ({ value, ... }: value) (
        builtins.genericClosure {
          startSet = loadAll "top";
          operator = loadImports;
        }
      );
      options = foldl' lib.recursiveUpdate { } (map (module: module.options or { }) loaded);
      definitions = map (
        module:
        module.config or (removeAttrs module [
          "_class"
          "imports"
          "key"
          "options"
        ])
      ) loaded;

      evaluate =
        where: option: found:
        if option._type or null == "option" then
          let
            values = resolve (found ++ (if option ? default then [ (mkOverride 1500 option.default) ] else [ ]));
          in
          if values == [ ] then
            throw "${where} is not defined"
          else if !(all option.type.check values) then
            throw "${where}: not of its type"
          else
            option.type.merge where values
        else
          mapAttrs (name: inner: evaluate "${where}.${name}" inner (concatMap (within name) found)) option;
      config = evaluate "config" options definitions;

      # A misspelt option is an error in Nixpkgs, too.
      namesOf =
        definition:
        if elem (definition._type or null) [
          "if"
          "override"
        ] then
          namesOf definition.content
        else if definition._type or null == "merge" then
          concatMap namesOf definition.contents
        else
          attrNames definition;
      undeclared =
        where: option: found:
        if option._type or null == "option" then
          [ ]
        else
          concatMap (
            name:
            if option ? ${name} then
              undeclared "${where}${name}." option.${name} (concatMap (within name) found)
            else
              [ "${where}${name}" ]
          ) (lib.unique (concatMap namesOf found));
    in
    {
      inherit options;
      extendModules =
        more:
        evalModules {
          modules = modules ++ more.modules;
          inherit specialArgs;
        };
      config =
        let
          unknown = undeclared "" options definitions;
        in
        if unknown != [ ] then throw "not declared: ${builtins.toJSON unknown}" else config;
    };
in
{
  inherit evalModules mkIf types;
  mkChangedOptionModule =
    from: to: change:
    { config, ... }:
    let
      at = path: value: builtins.foldl' (inner: name: { ${name} = inner; }) value (reverse path);
      reverse = foldl' (list: one: [ one ] ++ list) [ ];
      found = foldl' (set: name: set.${name}) config from;
      isGiven = found != "_not given";
    in
    {
      options = at from {
        _type = "option";
        type = types.anything;
        default = "_not given";
      };
      config = {
        warnings = if isGiven then [ "${builtins.concatStringsSep "." from} has become ${builtins.concatStringsSep "." to}" ] else [ ];
      }
      // at to (mkIf isGiven (change config));
    };
  mkOption = option: option // { _type = "option"; };
  mkEnableOption = description: {
    _type = "option";
    type = types.bool;
    default = false;
    inherit description;
  };
  mkDefault = mkOverride 1000;
  mkForce = mkOverride 50;
  mkMerge = contents: {
    _type = "merge";
    inherit contents;
  };
}
