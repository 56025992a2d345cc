// Style sheets are bundled by esbuild; to TypeScript they are imports without exports.
declare module "*.css";
