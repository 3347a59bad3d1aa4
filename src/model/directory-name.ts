/** The kinds of zone directory, as the settings name them. */
export type DirectoryName = 'control-api' | 'xenstore' | 'static';
