/** Styles that are imported become part of the page's style sheet. */
declare module "*.css";
