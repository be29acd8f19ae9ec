/** The Worker's. */
export const secretKey = "a key of the simulation, long enough to be one";
