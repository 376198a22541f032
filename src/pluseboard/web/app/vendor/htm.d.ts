import type htm from "htm";
declare const tagged: typeof htm;
export default tagged;
