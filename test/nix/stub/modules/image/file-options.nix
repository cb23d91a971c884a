# What an image is called.
{ config, lib, ... }:
let
  text = default: lib.mkOption {
    type = lib.types.str;
    inherit default;
  };
in
{
  options.image = {
    baseName = text "nixos-image";
    extension = text "img";
    fileName = text "${config.image.baseName}.${config.image.extension}";
    filePath = text config.image.fileName;
  };
}
